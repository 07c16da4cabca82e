#!/usr/bin/python3
"""Checks the bundle of a run, written from docs/bundle.md alone: that page is enough to write a program like this one.

    tests/verify.py [--roster FINGERPRINT] run.cfd

It shares no line with Cofferdam: it needs Python and python3-cryptography. It checks all of docs/bundle.md but the
fold: that layouts, states and the model are what the plan makes of the sums is for `cofferdam audit verify`.
Exit code 0: everything holds; 1: the entry that it names does not; 2: it was not called as it must be.
"""
import argparse
import base64
import collections
import hashlib
import os
import re
import sys
from types import SimpleNamespace
from typing import Any, BinaryIO, NamedTuple, NoReturn, Optional

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError as missing:
    print(f"verify.py needs Python's cryptography (Debian: python3-cryptography): {missing}", file=sys.stderr)
    sys.exit(2)

KINDS = ["roster", "run", "p1", "ack", "r0", "void", "superseded", "r2", "r1", "open", "secrets", "input", "sum",
         "close", "checkpoint", "state", "model", "refusal", "ended", "done"]  # numbered from 1
MESSAGES = {  # fields in the order of their numbers, :u for a varint, :r for bytes that are repeated, last
    "signed": "body signature signer:u",
    "p1": "run epoch:u counter:u first:u rounds:u checkpoint channel commitments mask_keys root leaves:u approvals:r",
    "ack": "run epoch:u counter:u set dealers",
    "r0": "run epoch:u round:u step:u roster set plan state checkpoint layout retry",
    "r1": "run epoch:u round:u counter:u ctx position:u words:u chunks:u root",
    "r2": "run epoch:u round:u counter:u ctx survivors headers",
    "void": "run epoch:u round:u counter:u",
    "open": "run epoch:u round:u ctx survivors headers sum secrets",
    "close": "run epoch:u round:u counter:u step:u ctx survivors headers sum state model time:u cosignature",
    "end": "run counter:u reason round:u proof",
}
CHUNK, WORDS_MOST = 131072, 1 << 24
APPROVAL = re.compile(r"(cofferdam/1 approval\nbank (\S+)\nroster ([0-9a-f]{64})\n(plan|run) ([0-9a-f]{64})\n"
                      r"decision (approve|approve-change)\nofficer ([0-9a-f]{64})\ngiven (0|[1-9][0-9]{0,18})\n"
                      r"expires (0|[1-9][0-9]{0,18})\n)signature ([0-9a-f]{128})\n")
APPROVALS_MOST, APPROVAL_BYTES_MOST = 4, 1024
ZERO = bytes(32)
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group of Ed25519 (RFC 8032)
PRIME = 2**255 - 19
counts: collections.Counter = collections.Counter()


Signers = set[tuple[str, bytes]]  # names and keys


class Refused(Exception):
    """Something that does not hold."""


def refuse(what: str) -> NoReturn:
    raise Refused(what)


def need(holds: bool, what: str) -> None:
    if not holds:
        refuse(what)


# Hashes, signatures, keys.


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def label(kind: str) -> bytes:
    return b"cofferdam/1/" + kind.encode() + b"\0"


def tagged(kind: str, data: bytes) -> bytes:
    """H(kind, data)"""
    return sha256(label(kind) + data)


def merkle(leaves: list[bytes]) -> bytes:
    """The root of RFC 9162 over hashes of leaves."""
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + merkle(leaves[:left]) + merkle(leaves[left:]))


def leaf(data: bytes) -> bytes:
    return sha256(b"\0" + data)


def check_signature(key: bytes, signature: bytes, data: bytes, whose: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        refuse(f"the signature of {whose} does not verify")
    counts["signatures"] += 1


def check_x25519_key(key: bytes) -> None:
    need(len(key) == 32 and int.from_bytes(key, "little") < PRIME, "not a public key of X25519")
    try:
        X25519PrivateKey.from_private_bytes(ZERO).exchange(X25519PublicKey.from_public_bytes(key))
    except ValueError:
        refuse("a public key is a point of low order")


def hkdf(salt: Optional[bytes], key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def keystream(key: bytes, words: int) -> int:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return int.from_bytes(encryptor.update(bytes(8 * words)), "little")


class Accumulator:
    """Adds vectors of words modulo 2^64 as long integers: no carry leaves a word, its highest bit is added apart."""

    def __init__(self, words: int) -> None:
        self.words, self.total = words, 0
        self.high = int.from_bytes((bytes(7) + b"\x80") * words, "little")
        self.low = (1 << 64 * words) - 1 - self.high

    def add(self, other: int) -> None:
        self.total = (self.total & self.low) + (other & self.low) ^ (self.total ^ other) & self.high

    def subtract(self, other: int) -> None:
        self.total = (self.total | self.high) - (other & self.low) ^ (self.total ^ ~other) & self.high

    def bytes(self) -> bytes:
        return self.total.to_bytes(8 * self.words, "little")


# Messages, sets, notes.


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        need(at < len(data) and shift < 64, "a message is cut short")
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            need(value < 1 << 64, "a number is too large")
            return value, at


def encode_varint(value: int) -> bytes:
    low = bytes([value & 0x7F | (0x80 if value > 0x7F else 0)])
    return low + encode_varint(value >> 7) if value > 0x7F else low


def fields(data: bytes) -> list[tuple[int, Any]]:
    """(tag, value) of each field of a message."""
    found, at = [], 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        found.append((tag, value))
    return found


def schema(kind: str) -> list[tuple[int, str]]:
    """(tag, name) of each field of a kind of message that is there once."""
    names = enumerate(MESSAGES[kind].split(), 1)
    return [(number << 3 | (0 if name.endswith(":u") else 2), name.removesuffix(":u")) for number, name in names
            if not name.endswith(":r")]


def repeated(kind: str) -> Optional[tuple[int, str]]:
    """(tag, name) of the field that is there as often as it likes."""
    names = MESSAGES[kind].split()
    return (len(names) << 3 | 2, names[-1].removesuffix(":r")) if names[-1].endswith(":r") else None


def encode(kind: str, message: SimpleNamespace) -> bytes:
    out = b""
    for tag, name in schema(kind):
        value = getattr(message, name)
        out += bytes([tag]) + (encode_varint(value) if tag & 7 == 0 else encode_varint(len(value)) + value)
    many = repeated(kind)
    for value in getattr(message, many[1]) if many else []:
        out += bytes([many[0]]) + encode_varint(len(value)) + value
    return out


def decode(kind: str, data: bytes) -> SimpleNamespace:
    found, wanted, many = fields(data), schema(kind), repeated(kind)
    once, rest = (found[:len(wanted)], found[len(wanted):]) if many else (found, [])
    tags = [tag for tag, _ in wanted] + ([many[0]] * len(rest) if many else [])
    need([tag for tag, _ in found] == tags, f"these are not the fields of a message {kind}")
    message = SimpleNamespace(**{name: value for (_, name), (_, value) in zip(wanted, once)})
    if many:
        setattr(message, many[1], [value for _, value in rest])
    need(encode(kind, message) == data, f"a message {kind} has another encoding than it must have")
    return message


def decode_list(data: bytes) -> list[bytes]:
    found = fields(data)
    need(all(tag == 10 for tag, _ in found), "not a list")
    items = [value for _, value in found]
    need(b"".join(b"\n" + encode_varint(len(item)) + item for item in items) == data, "a list has another encoding")
    return items


def expect(message: SimpleNamespace, **values: object) -> None:
    for name, value in values.items():
        need(getattr(message, name) == value, f"{name} is not what it must be")


def members(data: bytes, size: int) -> list[int]:
    """The positions in a set."""
    need(len(data) == (size + 7) // 8, "a set has another length")
    found = [i + 1 for i in range(8 * len(data)) if data[i // 8] >> i % 8 & 1]
    need(not found or found[-1] <= size, "a set names who is not in the roster")
    return found


def split_note(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The text of a signed note, and of each signature the name and what is in base64."""
    text, empty, rest = note.rpartition(b"\n\n")
    need(bool(empty) and rest.endswith(b"\n"), "not a signed note")
    signatures = []
    for line in rest[:-1].split(b"\n"):
        found = re.fullmatch(r"— (\S+) (\S+)".encode(), line)
        need(found is not None, "not a line of a signature")
        signatures.append((found[1].decode("utf-8", "replace"), from_base64(found[2])))
    return text + b"\n", signatures


def from_base64(text: bytes) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        refuse("not base64")
    need(base64.b64encode(data) == text, "another base64 than it must be")
    return data


def key_id(name: str, algorithm: bytes, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + algorithm + key)[:4]


def note_signers(text: bytes, signatures: list[tuple[str, bytes]], known: Signers, strangers: bool = False) -> Signers:
    """Checks the signatures of the (name, key) that are known, each of which signs once. Who of them signed."""
    signers: Signers = set()
    for name, data in signatures:
        who = next((one for one in known if one[0] == name and key_id(name, b"\1", one[1]) == data[:4]), None)
        if who:
            need(who not in signers, f"{name} signed twice")
            check_signature(who[1], data[4:], text, f"{name} on the note")
            signers.add(who)
        else:
            need(strangers, f"the signature line of {name} is by no key that may sign here")
    return signers


def thresholds(n: int) -> tuple[int, int]:
    """t and v"""
    t = (n + n // 3) // 2 + 1
    return t, n + n // 3 - t + 1


class Member(NamedTuple):
    name: str
    identity: bytes
    node: bytes


class Roster:
    FORM = re.compile(r"cofferdam/1 roster\nversion ([1-9][0-9]{0,9})\nprevious ([0-9a-f]{64})\n"
                      r"coordinator ([^\s+]+) ([0-9a-f]{64}) \S+\n((?:member [^\s+]+ [0-9a-f]{64} [0-9a-f]{64}\n){3,})")

    def __init__(self, text: bytes) -> None:
        self.hash = tagged("roster", text)
        found = self.FORM.fullmatch(text.decode("utf-8", "replace"))
        need(found is not None, "this is not the text of a roster")
        self.version, self.previous = int(found[1]), bytes.fromhex(found[2])
        self.coordinator = Member(found[3], b"", bytes.fromhex(found[4]))
        lines = [line.split(" ") for line in found[5].splitlines()]
        self.members = [Member(name, bytes.fromhex(identity), bytes.fromhex(node)) for _, name, identity, node in lines]
        names = [member.name for member in [self.coordinator, *self.members]]
        keys = [key for member in self.members for key in (member.identity, member.node)] + [self.coordinator.node]
        need(len(set(names)) == len(names) and len(set(keys)) == len(keys), "the roster has a name or a key twice")

    def identities(self) -> Signers:
        return {(member.name, member.identity) for member in self.members}

    def check_signers(self, before: Optional["Roster"], text: bytes, signatures: list[tuple[str, bytes]]) -> None:
        """Whether who must has signed it; before: the version before, if there is one here."""
        now, old = self.identities(), before.identities() if before else set()
        need((self.version == 1) == (self.previous == ZERO), "version 1 alone follows no other")
        first_later = before is None and self.version > 1  # a fingerprint vouches for it; not all who signed are known
        signers = note_signers(text, signatures, now | old, first_later)
        if before:
            follows = (self.version, self.previous) == (before.version + 1, before.hash)
            need(follows, "it does not follow the one before")
            need(len(signers & old) >= thresholds(len(old))[0], "too few of the members before signed")
        if not first_later:
            same = before.members if before else []
            silent = [m.name for m in self.members if m not in same and (m.name, m.identity) not in signers]
            need(not silent, f"{', '.join(silent)}, new or with new keys, did not sign")


class Entries:
    """The file, entry after entry."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.number, self.offset, self.kind = file, 0, 0, "first line"
        line = file.readline(64)
        found = re.fullmatch(rb"cofferdam/1/bundle (full|sums|public)\n", line)
        need(found is not None, "this is not the first line of a bundle")
        self.form = found[1].decode()
        self.next, self.length, self.end, self.size = "", 0, len(line), os.fstat(file.fileno()).st_size

    def peek(self) -> str:
        """The kind of the next entry; "end" when there is none."""
        if not self.next:
            self.number, self.offset, self.kind = self.number + 1, self.end, "end"
            head = self.file.read(9)
            if head:
                need(len(head) == 9 and 1 <= head[0] <= len(KINDS), "not an entry")
                self.kind, self.length = KINDS[head[0] - 1], int.from_bytes(head[1:], "little")
                self.end += 9 + self.length
                need(self.end <= self.size, "the file ends within this entry")
            self.next = self.kind
        return self.next

    def take(self, *kinds: str) -> bytes:
        """The payload of the next entry, which must be of one of these kinds."""
        need(self.peek() in kinds, f"here must be {' or '.join(kinds)}")
        self.next = ""
        counts["entries"] += 1
        return self.file.read(self.length)

    def finish(self) -> None:
        need(self.peek() == "end", "here the file must end")


class Run:
    """What has been replayed of a run."""

    def __init__(self, file: BinaryIO, fingerprint: Optional[bytes] = None) -> None:
        self.entries, self.fingerprint = Entries(file), fingerprint
        self.full, self.public = self.entries.form == "full", self.entries.form == "public"
        self.roster: Optional[Roster] = None
        self.fingerprints: list[bytes] = []
        self.epoch = self.first = self.epoch_rounds = 0
        self.round = self.step = 0
        self.state: Optional[bytes] = None  # the hash of the state before the step
        self.layout: Optional[bytes] = None  # of the step, once a round of it has begun
        self.checkpoint = self.retry = self.model = ZERO
        self.kept: Optional[bytes] = None  # U, when a round of the step was superseded
        self.log: list[bytes] = []  # hashes of leaves
        self.approvals: dict[str, list[str]] = {}  # of each bank its officers' keys
        self.ending = ""

    def replay(self) -> None:
        while self.entries.peek() == "roster":
            self.read_roster(self.entries.take("roster"))
        need(self.roster is not None, "there is no roster")
        self.read_run(self.entries.take("run"))
        need(self.fingerprint in [None, *self.fingerprints], "no roster here has the fingerprint that was asked for")
        under_way = False
        while not under_way and self.entries.peek() in ("p1", "r0"):
            if self.entries.peek() == "p1":
                self.read_epoch()
            under_way = self.read_round()
        self.read_end(under_way)
        self.entries.finish()

    # The roster and the submission.

    def read_roster(self, note: bytes) -> None:
        text, signatures = split_note(note)
        new = Roster(text)
        new.check_signers(self.roster, text, signatures)
        self.roster = new
        self.fingerprints.append(new.hash)
        counts["rosters"] += 1

    def read_run(self, data: bytes) -> None:
        size = len(self.roster.members)
        need(data[:4] == u32(size), "the submission is for a roster of another size")
        end = 4 + (size + 7) // 8
        self.cohort_set, submitter = data[4:end], int.from_bytes(data[end:end + 4], "little")
        nonce, signature, note = data[end + 4:end + 20], data[end + 20:end + 84], data[end + 88:]
        length = int.from_bytes(data[end + 84:end + 88], "little")
        note, stated = note[:length], note[length:]  # version 1 is not stated
        need(len(note) == length and stated in (b"", b"\x02"), "the length of the plan is another, or the version unknown")
        self.version = stated[0] if stated else 1
        self.cohort = members(self.cohort_set, size)
        need(len(self.cohort) >= 3 and submitter in self.cohort, "a cohort too small, or without the submitter")
        self.id = tagged("run of a version" if stated else "run",
                         stated + note + self.roster.hash + self.cohort_set + nonce)
        who = self.roster.members[submitter - 1]
        check_signature(who.identity, signature, label("submit") + self.id, f"{who.name} on the submission")
        text, signatures = split_note(note)
        signers = note_signers(text, signatures, {(who.name, who.identity)}, True)  # the id covers other lines
        need(bool(signers), "the submitter has not signed the plan")
        self.plan = tagged("plan", text)
        self.may_drop = re.search(rb"(?m)^[^#\n]*\bon_dropout: *continue\b", text) is not None
        self.t, self.v = thresholds(len(self.cohort))

    # Messages of this run.

    def signed(self, kind: str, data: bytes, message_kind: str = "") -> tuple[int, SimpleNamespace, bytes]:
        """Who signed, the message and its body."""
        outer = decode("signed", data)
        if outer.signer == 0:
            who = self.roster.coordinator
        else:
            need(outer.signer in self.cohort, f"member {outer.signer} is not in the cohort")
            who = self.roster.members[outer.signer - 1]
        check_signature(who.node, outer.signature, label(kind) + outer.body, who.name)
        message = decode(message_kind or kind, outer.body)
        need(message.run == self.id, f"the message of {who.name} is of another run")
        return outer.signer, message, outer.body

    def by_coordinator(self, kind: str, data: bytes, message_kind: str = "") -> SimpleNamespace:
        signer, message, _ = self.signed(kind, data, message_kind)
        need(signer == 0, "not signed by the coordinator")
        return message

    def from_each(self, kind: str, data: bytes, positions: list[int]) -> list[tuple[SimpleNamespace, bytes]]:
        """A list with one message of each of these, in order."""
        found = [self.signed(kind, item) for item in decode_list(data)]
        need([signer for signer, _, _ in found] == positions, "the list is not of those that it must be of, in order")
        return [(message, body) for _, message, body in found]

    def certificate(self, kind: str, data: bytes, least: int) -> dict[int, SimpleNamespace]:
        """Votes of the round by position; what they say is for the caller to compare."""
        found = [self.signed(kind, item) for item in decode_list(data)]
        voters = [signer for signer, _, _ in found]
        need(voters == sorted(set(voters) - {0}), "the votes are not in roster order, or somebody votes twice")
        need(len(voters) >= least, f"{len(voters)} votes are fewer than {least}")
        for _, vote, _ in found:
            expect(vote, epoch=self.epoch, round=self.round)
        counts["certificates"] += 1
        return {signer: vote for signer, vote, _ in found}

    # Epochs and rounds.

    def read_epoch(self) -> None:
        found = self.from_each("p1", self.entries.take("p1"), self.cohort)
        one = found[0][0]
        need(self.epoch < one.epoch < 1 << 32, "the epoch is not higher than the one before")
        need(one.rounds > 0, "an epoch without rounds")
        seen: set[bytes] = set()
        for position, (message, _) in zip(self.cohort, found):
            self.read_approvals(self.roster.members[position - 1].name, message.approvals)
            expect(message, epoch=one.epoch, first=self.round + 1, rounds=one.rounds, checkpoint=self.checkpoint)
            for keys in message.commitments, message.mask_keys:
                need(len(keys) == 32 * one.rounds, "not one key and one commitment a round")
            need(message.leaves == 2 * len(self.cohort) * one.rounds, "it commits to another number of shares")
            for key in [message.channel, *self.parts(message.mask_keys)]:
                check_x25519_key(key)
                need(key not in seen, "a key appears twice")
                seen.add(key)
        self.epoch, self.first, self.epoch_rounds = one.epoch, one.first, one.rounds
        self.provisions = {position: message for position, (message, _) in zip(self.cohort, found)}
        self.set = tagged("set", b"".join(u32(len(body)) + body for _, body in found))
        for message, _ in self.from_each("ack", self.entries.take("ack"), self.cohort):
            expect(message, epoch=self.epoch, set=self.set, dealers=self.cohort_set)
        counts["epochs"] += 1

    def read_approvals(self, bank: str, documents: list[bytes]) -> None:
        """What officers of the bank signed: for this plan or run, each officer once."""
        need(self.version > 1 or not documents, f"approvals of {bank} in a run of version 1 of the protocol")
        need(len(documents) <= APPROVALS_MOST, f"more approvals of {bank} than there may be")
        known, here = self.approvals.setdefault(bank, []), set()
        for document in documents:
            found = APPROVAL.fullmatch(document.decode("utf-8", "replace"))
            need(found is not None and len(document) <= APPROVAL_BYTES_MOST, f"not an approval of an officer of {bank}")
            text, name, roster, kind, subject, decision, officer, _, _, signature = found.groups()
            need(name == bank and roster == self.roster.hash.hex(), "an approval of another bank or for another roster")
            need(subject == (self.id if kind == "run" else self.plan).hex(), f"an approval of another {kind}")
            need(kind == "run" or decision == "approve", "a changed cohort is approved for a run")
            check_signature(bytes.fromhex(officer), bytes.fromhex(signature), label("approval") + text.encode(),
                            f"an officer of {bank}")
            need(officer not in here, f"two approvals of one officer of {bank}")
            here.add(officer)
            counts["approvals"] += 1
        known += sorted(here - set(known))

    @staticmethod
    def parts(data: bytes) -> list[bytes]:
        return [data[i:i + 32] for i in range(0, len(data), 32)]

    def provision(self, position: int, what: str) -> bytes:
        """A bank's commitment or mask key for the round."""
        at = 32 * (self.round - self.first)
        return getattr(self.provisions[position], what)[at:at + 32]

    def read_round(self) -> bool:
        """Whether the bundle ends in this round."""
        self.read_terms()
        kind = self.entries.peek()
        if kind in ("void", "superseded"):
            payload = self.entries.take(kind)
            if kind == "void":
                self.certificate("void", payload, self.v)
            else:
                self.kept, _ = self.decide(payload)
            self.retry = tagged("certificate", payload)
            counts[f"rounds {kind}"] += 1
        elif kind not in ("refusal", "ended"):
            self.read_closed()
        return kind in ("refusal", "ended")

    def read_terms(self) -> None:
        r0 = self.by_coordinator("r0", self.entries.take("r0"))
        need(self.model == ZERO, "a round after the step that ends in a model")
        self.round += 1
        need(self.first <= self.round < self.first + self.epoch_rounds, "the round is in no epoch")
        self.state, self.layout = self.state or r0.state, self.layout or r0.layout
        need(len(r0.state) == len(r0.layout) == 32, "not a hash")
        expect(r0, epoch=self.epoch, round=self.round, step=self.step, roster=self.roster.hash, set=self.set,
               plan=self.plan, state=self.state, checkpoint=self.checkpoint, layout=self.layout, retry=self.retry)
        self.ctx = tagged("ctx", self.id + u32(r0.epoch) + u64(r0.round) + u64(r0.step) + r0.roster + r0.set + r0.plan
                          + r0.state + r0.checkpoint + r0.layout + r0.retry)
        counts["terms"] += 1

    def decide(self, payload: bytes) -> tuple[bytes, bytes]:
        """U and M, on which t votes agree."""
        votes = list(self.certificate("r2", payload, self.t).values())
        survivors, headers = votes[0].survivors, votes[0].headers
        for vote in votes:
            expect(vote, ctx=self.ctx, survivors=survivors, headers=headers)
        inside = members(survivors, len(self.roster.members))
        need(set(inside) <= set(self.cohort) and len(inside) >= self.t, "U is not of the cohort, or smaller than t")
        need(self.may_drop or survivors == self.cohort_set, "U is not the cohort, and the plan wants all")
        need(self.kept in (None, survivors), "U is not that of the superseded round")
        return survivors, headers

    def read_closed(self) -> None:
        survivors, headers = self.decide(self.entries.take("r2", "void", "superseded"))
        inside = members(survivors, len(self.roster.members))
        r1 = self.read_headers(inside, headers)
        opened = self.by_coordinator("open", self.entries.take("open"))
        expect(opened, epoch=self.epoch, round=self.round, ctx=self.ctx, survivors=survivors, headers=headers)
        words = r1[inside[0]].words
        if self.full:
            total = Accumulator(words)
            secrets = dict(zip(self.cohort, self.read_secrets(inside, opened.secrets)))
            for position in inside:
                total.add(self.read_input(position, r1[position]))
            self.unmask(total, inside, secrets)
            need(tagged("sum", total.bytes()) == opened.sum, "the inputs without their masks are not the sum")
        if not self.public:
            self.read_sum(words, opened.sum)
        self.read_close(step=self.step, ctx=self.ctx, survivors=survivors, headers=headers, sum=opened.sum)
        counts["rounds closed"] += 1

    def read_headers(self, inside: list[int], root: bytes) -> dict[int, SimpleNamespace]:
        found = self.from_each("r1", self.entries.take("r1"), inside)
        for position, (header, _) in zip(inside, found):
            words = found[0][0].words
            need(1 <= words <= WORDS_MOST, "the number of words cannot be")
            expect(header, epoch=self.epoch, round=self.round, ctx=self.ctx, position=position, words=words,
                   chunks=-(-words // CHUNK))
            counts["headers"] += 1
        need(merkle([leaf(body) for _, body in found]) == root, "the headers are not those that were voted on")
        return {position: header for position, (header, _) in zip(inside, found)}

    # Inputs, masks, sums.

    def read_secrets(self, inside: list[int], hashed: bytes) -> list[bytes]:
        payload = self.entries.take("secrets")
        need(tagged("secrets", payload) == hashed, "these are not the secrets that Open names")
        secrets = self.parts(payload)
        need([len(secret) for secret in secrets] == [32] * len(self.cohort), "not one secret a bank")
        for position, secret in zip(self.cohort, secrets):
            need(int.from_bytes(secret, "little") < ORDER, "a secret is not below the order of the group")
            if position in inside:
                committed = tagged("commit", self.id + u32(self.epoch) + u64(self.round) + u32(position) + secret)
                fits = committed == self.provision(position, "commitments")
            else:
                public = self.mask_key(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
                fits = public == self.provision(position, "mask_keys")
            need(fits, f"the secret of bank {position} is not the one that it committed to")
            counts["secrets"] += 1
        return secrets

    @staticmethod
    def mask_key(secret: bytes) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(hkdf(None, secret, label("pair")))

    def read_input(self, position: int, header: SimpleNamespace) -> int:
        chunks, leaves = [], []
        for index in range(header.chunks):
            data = self.entries.take("input")
            need(data[:8] == u32(position) + u32(index), "the input of another bank, or another chunk")
            chunks.append(self.chunk(data[8:], index, header.words))
            leaves.append(leaf(u32(index) + u32(len(chunks[-1])) + chunks[-1]))
            counts["chunks of inputs"] += 1
        need(merkle(leaves) == header.root, f"the input of bank {position} is not the one that it signed")
        counts["inputs"] += 1
        return int.from_bytes(b"".join(chunks), "little")

    @staticmethod
    def chunk(data: bytes, index: int, words: int) -> bytes:
        need(len(data) == 8 * min(CHUNK, words - index * CHUNK), "a chunk has another length")
        return data

    def unmask(self, total: Accumulator, inside: list[int], secrets: dict[int, bytes]) -> None:
        where = self.id + u32(self.epoch) + u64(self.round)
        for i in inside:
            own = hkdf(None, secrets[i], label("self"))
            total.subtract(keystream(hkdf(self.ctx, own, label("self") + where + u32(i)), total.words))
            counts["masks removed"] += 1
        for j in set(self.cohort) - set(inside):
            for i in inside:
                lo, hi = sorted((i, j))
                public = X25519PublicKey.from_public_bytes(self.provision(i, "mask_keys"))
                info = label("pair") + where + u32(lo) + u32(hi)
                info += self.provision(lo, "mask_keys") + self.provision(hi, "mask_keys")
                key = hkdf(self.ctx, self.mask_key(secrets[j]).exchange(public), info)
                (total.subtract if j > i else total.add)(keystream(key, total.words))
                counts["masks removed"] += 1

    def read_sum(self, words: int, hashed: bytes) -> None:
        data = b""
        for index in range(-(-words // CHUNK)):
            payload = self.entries.take("sum")
            need(payload[:4] == u32(index), "another chunk of the sum")
            data += self.chunk(payload[4:], index, words)
        need(tagged("sum", data) == hashed, "this is not the sum that was opened")
        counts["sums"] += 1

    # The end of a step and of the run.

    def read_close(self, **statement: object) -> None:
        votes = self.certificate("close", self.entries.take("close"), self.t)
        one = next(iter(votes.values()))
        for vote in votes.values():
            expect(vote, state=one.state, model=one.model, **statement)
        body = encode("close", SimpleNamespace(**{**vars(one), "counter": 0, "time": 0, "cosignature": bytes(64)}))
        self.log.append(leaf(body))
        root = base64.b64encode(merkle(self.log)).decode()
        text = f"cofferdam/1/run/{self.id.hex()}\n{len(self.log)}\n{root}\n".encode()
        lines = [self.cosignature(position, vote, text) for position, vote in votes.items()]
        self.read_checkpoint(text, lines)
        if not self.public:
            state = self.entries.take("state")
            need(tagged("state-hash", state) == one.state, "this is not the state that was certified")
            counts["states"] += 1
        self.checkpoint = tagged("checkpoint", text)
        self.step, self.state, self.layout, self.kept, self.retry = self.step + 1, one.state, None, None, ZERO
        self.model = one.model

    def cosignature(self, position: int, vote: SimpleNamespace, text: bytes) -> tuple[str, bytes]:
        who = self.roster.members[position - 1]
        need(vote.time > 0, f"{who.name} signed without a time")
        what = f"cosignature/v1\ntime {vote.time}\n".encode() + text
        check_signature(who.node, vote.cosignature, what, f"{who.name} on the checkpoint")
        counts["cosignatures"] += 1
        return who.name, key_id(who.name, b"\4", who.node) + vote.time.to_bytes(8, "big") + vote.cosignature

    def read_checkpoint(self, text: bytes, cosignatures: list[tuple[str, bytes]]) -> None:
        found, lines = split_note(self.entries.take("checkpoint"))
        need(found == text, "this is not the checkpoint of the log")
        note_signers(text, lines[:1], {(self.roster.coordinator.name, self.roster.coordinator.node)})
        need(lines[1:] == cosignatures, "the cosignatures are not those of the votes")
        counts["checkpoints"] += 1

    def read_end(self, under_way: bool) -> None:
        whole = self.step > 0 and self.retry == ZERO and not under_way
        if whole and self.entries.peek() in ("model", "done"):
            model = None if self.public else self.entries.take("model")
            done = self.by_coordinator("done", self.entries.take("done"), "end")
            need(self.model != ZERO, "the banks certified no model")
            need(model is None or sha256(model) == self.model, "this is not the model that the banks certified")
            expect(done, round=self.round, proof=self.model)
            self.ending = f"the model {done.proof.hex()}"
            return
        self.ending, refusal = "the word of the coordinator", ZERO
        if self.entries.peek() == "refusal":
            payload = self.entries.take("refusal")
            signer, _, _ = self.signed("end", payload)
            need(signer != 0, "a refusal of a bank is signed by the coordinator")
            self.ending, refusal = f"a refusal of {self.roster.members[signer - 1].name}", tagged("refusal", payload)
        ended = self.by_coordinator("end", self.entries.take("ended"))
        expect(ended, round=self.round, proof=tagged("ended", self.retry + refusal + self.checkpoint))


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks the bundle of a run as docs/bundle.md says.")
    parser.add_argument("bundle")
    parser.add_argument("--roster", metavar="FINGERPRINT", help="of a roster that must be among the bundle's")
    arguments = parser.parse_args()
    if arguments.roster is not None and not re.fullmatch(r"[0-9a-f]{64}", arguments.roster):
        parser.error("a fingerprint has 64 hexadecimal digits")
    try:
        file = open(arguments.bundle, "rb")
    except OSError as error:
        parser.error(str(error))
    with file:
        return verify(file, bytes.fromhex(arguments.roster) if arguments.roster else None)


def verify(file: BinaryIO, fingerprint: Optional[bytes]) -> int:
    run = None
    try:
        run = Run(file, fingerprint)
        run.replay()
    except Refused as refused:
        where = f"entry {run.entries.number} ({run.entries.kind}, byte {run.entries.offset})" if run else "first line"
        print(f"DOES NOT HOLD: {where}: {refused}")
        return 1
    print(f"roster {run.fingerprints[-1].hex()}, version {run.roster.version}\nrun {run.id.hex()}")
    print(f"form {run.entries.form}, {len(run.cohort)} banks, ends with {run.ending}")
    for bank, officers in run.approvals.items():
        print(f"{bank} approved by " + (f"officers {' '.join(officers)}" if officers else "its policy"))
    for what, count in counts.items():
        print(f"{count:12} {what}")
    print("HOLDS, but for the fold: layouts, states and model are those that were certified")
    return 0


if __name__ == "__main__":
    sys.exit(main())
