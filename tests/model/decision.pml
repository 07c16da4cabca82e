/* The decisions of a round (docs/protocol.md, the rules a node keeps): can an adversary gather what it must not have?
 *
 * The adversary is the coordinator and the last bank. It sends anything to anyone in any order; what it needs of honest
 * banks are their signatures and their shares. So messages are not modelled: an honest bank takes any step that some
 * message of the adversary's would let it take, and what it signed or released is known to the adversary for good.
 *
 * Two sets of inputs stand for all pairs that differ: FULL (every bank) and LESS (without bank 0, which is called silent).
 * A release under FULL gives a share of bank 0's a, one under LESS a share of its b. Two rounds of one step: the second
 * masks the step again, after VOID of the first or under its certificate.
 *
 * N: banks. Planted faults: T_LESS, V_LESS (one signature less is enough), NO_CERTIFICATE, VOID_AFTER_RELEASE,
 * RELEASE_AFTER_VOID, FORGET_VOTE (a crash forgets it), FORGET_FIXED (the certified set binds no retry).
 */
#ifndef N
#define N 4
#endif
#define F (N / 3)
#define T ((N + F) / 2 + 1)
#define V (N + F - T + 1)
#define HONEST (N - F)

#ifdef T_LESS
#define NEED_T (T - 1)
#else
#define NEED_T T
#endif
#ifdef V_LESS
#define NEED_V (V - 1)
#else
#define NEED_V V
#endif

#define NOTHING 0
#define FULL 1
#define LESS 2
#define LAST (HONEST * ROUNDS)
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define AT(round, bank) ((round) * HONEST + (bank))

/* Of a bank in a round, durable: the set it voted on, the set it released for, VOID. */
byte vote[LAST], released[LAST];
bit voided[LAST];
byte round_of[HONEST]; /* where a bank is */
byte fixed[HONEST];    /* the set that a certificate has fixed for the step, as this bank knows */
/* What the adversary holds: counts of honest signatures and releases. */
byte votes[2 * ROUNDS], releases[2 * ROUNDS], voids[ROUNDS];
#define OF(round, set) ((round) * 2 + (set) - 1)

#define CERTIFIED(round, set) (votes[OF(round, set)] + F >= NEED_T)
#define VOID_PROVEN(round) (voids[round] + F >= NEED_V)
#define OPENS(round, set) (releases[OF(round, set)] + F >= T)

/* The secrets of bank 0 in a round: a from FULL, b from LESS; one U; opened or voided; one U for the step. */
#define CHECK(r)                                                                                                       \
    assert(releases[OF(r, FULL)] == 0 || releases[OF(r, LESS)] == 0);                                                  \
    assert(!(OPENS(r, FULL) && OPENS(r, LESS)));                                                                       \
    assert(!(VOID_PROVEN(r) && (OPENS(r, FULL) || OPENS(r, LESS))));                                                       \
    assert(ROUNDS == 1 || !(OPENS(0, FULL) && OPENS(ROUNDS - 1, LESS)));                                               \
    assert(ROUNDS == 1 || !(OPENS(0, LESS) && OPENS(ROUNDS - 1, FULL)))

inline try_vote(b, r, set)
{
    atomic {
        vote[AT(r, b)] == NOTHING && !voided[AT(r, b)] && released[AT(r, b)] == NOTHING && !(set == LESS && b == 0) &&
            (fixed[b] == NOTHING || fixed[b] == set) ->
        vote[AT(r, b)] = set;
        votes[OF(r, set)]++;
    }
}

inline try_void(b, r)
{
    atomic {
#ifdef VOID_AFTER_RELEASE
        !voided[AT(r, b)] ->
#else
        !voided[AT(r, b)] && released[AT(r, b)] == NOTHING ->
#endif
        voided[AT(r, b)] = 1;
        voids[r]++;
        CHECK(r);
    }
}

inline try_release(b, r, set)
{
    atomic {
#ifdef RELEASE_AFTER_VOID
        released[AT(r, b)] == NOTHING &&
#else
        released[AT(r, b)] == NOTHING && !voided[AT(r, b)] &&
#endif
#ifndef NO_CERTIFICATE
            CERTIFIED(r, set) &&
#endif
            (fixed[b] == NOTHING || fixed[b] == set) ->
        released[AT(r, b)] = set;
        releases[OF(r, set)]++;
        fixed[b] = set;
        CHECK(r);
    }
}

/* The step again: what is left of the round before is erased. */
inline try_next_void(b)
{
    atomic { round_of[b] + 1 < ROUNDS && VOID_PROVEN(round_of[b]) -> round_of[b]++ }
}

inline try_next_certified(b, set)
{
    atomic {
        round_of[b] + 1 < ROUNDS && CERTIFIED(round_of[b], set) && (fixed[b] == NOTHING || fixed[b] == set) ->
        round_of[b]++;
#ifndef FORGET_FIXED
        fixed[b] = set;
#else
        fixed[b] = NOTHING;
#endif
    }
}

/* A crash loses what was not durable; all that a bank acts on is, before it acts. */
inline try_crash(b, r)
{
#ifdef FORGET_VOTE
    atomic { vote[AT(r, b)] != NOTHING && released[AT(r, b)] == NOTHING -> vote[AT(r, b)] = NOTHING }
#else
    false
#endif
}

active [HONEST] proctype bank()
{
    end: do
    :: try_vote(_pid, round_of[_pid], FULL)
    :: try_vote(_pid, round_of[_pid], LESS)
    :: try_void(_pid, round_of[_pid])
    :: try_release(_pid, round_of[_pid], FULL)
    :: try_release(_pid, round_of[_pid], LESS)
    :: try_next_void(_pid)
    :: try_next_certified(_pid, FULL)
    :: try_next_certified(_pid, LESS)
    :: try_crash(_pid, round_of[_pid])
    od
}
