/* The hold-out split (contract): the first 8 bytes, little-endian, of H(label "split" ‖ seed ‖ 0x00 ‖ record) below
 * fraction · 2^64. The record is the id, or the canonical feature bytes where the plan names no id. Never the row
 * number, never the plan's hash. */
#ifndef PROTO_RUN_SPLIT_H
#define PROTO_RUN_SPLIT_H

#include "crypto/base/bytes.h"

MUST_USE struct result split_holds_out(const char *seed, double fraction, struct view record, bool *ret);

#endif
