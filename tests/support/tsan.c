/* What ThreadSanitizer is not to report in test programs. */
const char *__tsan_default_suppressions(void);

/* nng frees what is shared by reference counts, and is not built with the sanitizer, which therefore does not see the
 * counting: only the destroyed mutex. */
const char *__tsan_default_suppressions(void)
{
    return "race_top:pthread_mutex_destroy\n";
}
