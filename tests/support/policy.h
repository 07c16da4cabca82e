/* A policy that approves the plans of one author for credit risk, for the tests of what stands around it. */
#ifndef TESTS_SUPPORT_POLICY_H
#define TESTS_SUPPORT_POLICY_H

#define POLICY_TEXT(author, cohort, changes, rows, words)                                                              \
    "purposes: [credit-risk]\ntasks: [\"*\"]\nauthors: [" author "]\ncolumns: {allowed: [\"*\"]}\n"                    \
    "cohort: {minimum: " cohort ", on_dropout: [wait], changes: [" changes "]}\n"                                      \
    "rows: {minimum: " rows ", most: 100000}\n"                                                                        \
    "cells: {minimum: 1}\nrounds: {most: 100}\nwords: {" words "}\n"                                                   \
    "approve:\n  - {author: " author ", purpose: credit-risk}\n"

#endif
