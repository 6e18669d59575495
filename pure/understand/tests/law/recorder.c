/*
 * Notes how it is called: the number of the text, the directory and the words, in one write to the log.
 *
 * Compiled as a program it is what every command of a text starts. Compiled with LOADABLE it gives Bash the most
 * frequent of these commands as builtins, which saves a process for each call.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char record[65536];
static size_t length;

static void field(const char *text)
{
    size_t more = strlen(text);
    if (length + more + 2 >= sizeof record)
        return;
    memcpy(record + length, text, more);
    length += more;
    record[length++] = 0x1f;
}

static void begin(const char *number)
{
    char place[4096];
    length = 0;
    field(number ? number : "none");
    field(getcwd(place, sizeof place) ? place : "gone");
}

static void end(int log)
{
    record[length++] = 0x1e;
    if (log < 0 || write(log, record, length) < 0)
        _exit(99);
}

static int opened(const char *path)
{
    return open(path ? path : "/dev/null", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

#ifndef LOADABLE

int main(int count, char **words)
{
    const char *slash = count > 0 ? strrchr(words[0], '/') : 0;
    begin(getenv("LAW_NUMBER"));
    if (count > 0)
        field(slash ? slash + 1 : words[0]);
    for (int at = 1; at < count; at++)
        field(words[at]);
    end(opened(getenv("LAW_LOG")));
    return 0;
}

#else

/* What a builtin of Bash is declared with; it has not changed since Bash 2. */
struct word { char *text; int flags; };
struct words { struct words *next; struct word *word; };
struct builtin {
    const char *name;
    int (*function)(struct words *);
    int flags;
    char *const *manual;
    const char *usage;
    char *handle;
};

extern char *this_command_name;
extern char *get_string_value(const char *name);

/* A text that calls more often than this goes round and round, and would do so until its time is up. */
#define MOST_CALLS 200

static int log_file = -1;
static int calls;

static int noted(struct words *words)
{
    if (++calls > MOST_CALLS)
        _exit(98);
    if (log_file < 0)
        log_file = fcntl(opened(get_string_value("LAW_LOG")), F_DUPFD_CLOEXEC, 200);
    begin(get_string_value("LAW_NUMBER"));
    field(this_command_name);
    for (; words; words = words->next)
        field(words->word->text);
    end(log_file);
    return 0;
}

static char *const manual[] = { "notes how it is called", 0 };

#define BUILTIN(name) struct builtin name##_struct = { #name, noted, 1, manual, #name, 0 };
BUILTIN(alpha)
BUILTIN(beta)
BUILTIN(gamma)
BUILTIN(one)

#endif
