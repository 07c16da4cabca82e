/* Asking for a passphrase: typed characters go from the terminal into guarded memory and are not shown. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/keys.h"

enum { PASSPHRASE_MAX = 1024 };

/* Signals that would leave the terminal without echo; the first one is raised again when it is restored. */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
enum { SIGNALS = sizeof signals / sizeof *signals };
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
}

/* The signals are let in while it waits and at no other time: none can come between a look and the wait. */
static bool has_input(int terminal, const sigset_t *let_in)
{
    struct pollfd waiting = {.fd = terminal, .events = POLLIN};
    int got;
    do got = ppoll(&waiting, 1, NULL, let_in);
    while (got < 0 && errno == EINTR && !signalled);
    return got == 1 && !signalled;
}

/* One line without its end, into out; false when it was interrupted, too long or ended early. */
static bool read_line(int terminal, const sigset_t *let_in, uint8_t *out, size_t *ret_length)
{
    for (size_t length = 0; length < PASSPHRASE_MAX; length++) {
        if (!has_input(terminal, let_in) || read(terminal, out + length, 1) != 1) return false;
        if (out[length] != '\n' && out[length] != '\r') continue;
        *ret_length = length;
        return true;
    }
    return false;
}

/* The prompt comes when echo is off: what is typed after it is not shown. */
static bool read_hidden(int terminal, const char *prompt, uint8_t *out, size_t *ret_length)
{
    struct sigaction action = {.sa_handler = on_signal}, before[SIGNALS];
    struct termios shown, hidden;
    if (tcgetattr(terminal, &shown) != 0) return false;
    sigset_t held, let_in;
    signalled = 0;
    (void)sigemptyset(&held);
    for (size_t i = 0; i < SIGNALS; i++) (void)sigaddset(&held, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &held, &let_in);
    for (size_t i = 0; i < SIGNALS; i++) (void)sigaction(signals[i], &action, &before[i]);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    bool read_it = tcsetattr(terminal, TCSAFLUSH, &hidden) == 0 && dprintf(terminal, "%s", prompt) >= 0 &&
                   read_line(terminal, &let_in, out, ret_length);
    (void)tcsetattr(terminal, TCSAFLUSH, &shown);
    for (size_t i = 0; i < SIGNALS; i++) (void)sigaction(signals[i], &before[i], NULL);
    (void)sigprocmask(SIG_SETMASK, &let_in, NULL);
    (void)dprintf(terminal, "\n");
    if (signalled) (void)raise(signalled);
    return read_it;
}

static struct result trimmed(const struct secret *line, size_t length, struct secret **ret)
{
    ENSURE(length > 0, CATEGORY_USAGE, "the passphrase is empty");
    return secret_from(view_of(secret_view(line).data, length), ret);
}

static struct result ask(int terminal, const char *prompt, struct secret **ret)
{
    CLEANUP(secret_freep) struct secret *line = NULL;
    TRY(secret_new(PASSPHRASE_MAX, &line));
    size_t length = 0;
    ENSURE(read_hidden(terminal, prompt, secret_bytes(line), &length), CATEGORY_USAGE,
           "no passphrase was typed, or one of more than %d bytes", (int)PASSPHRASE_MAX - 1);
    return trimmed(line, length, ret);
}

static struct result ask_and_confirm(int terminal, const char *prompt, bool confirm, struct secret **ret)
{
    CLEANUP(secret_freep) struct secret *first = NULL;
    CLEANUP(secret_freep) struct secret *again = NULL;
    TRY(ask(terminal, prompt, &first));
    if (confirm) {
        TRY(ask(terminal, "The same again: ", &again));
        ENSURE(secret_equal(first, again), CATEGORY_USAGE, "the two passphrases differ");
    }
    *ret = first;
    first = NULL;
    return RESULT_OK;
}

struct result keys_passphrase_of(const char *path, struct secret **ret)
{
    CLEANUP(secret_freep) struct secret *bytes = NULL;
    TRY(file_needed(path, "write the passphrase or PIN into it, with mode 0600, or name the file that has it"));
    TRY(file_read_secret(path, PASSPHRASE_MAX, &bytes));
    struct view text = secret_view(bytes);
    size_t length = 0;
    while (length < text.length && text.data[length] != '\n' && text.data[length] != '\r') length++;
    return result_at(trimmed(bytes, length, ret), "%s: ", path);
}

struct result keys_passphrase(const char *prompt, bool confirm, struct secret **ret)
{
    const char *path = getenv("COFFERDAM_PASSPHRASE_FILE");
    if (path && *path) return keys_passphrase_of(path, ret);
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    ENSURE(terminal >= 0, CATEGORY_USAGE,
           "a passphrase is needed and there is no terminal; put it into a file of mode 0600 and name it in "
           "COFFERDAM_PASSPHRASE_FILE");
    struct result result = ask_and_confirm(terminal, prompt, confirm, ret);
    (void)close(terminal);
    return result;
}
