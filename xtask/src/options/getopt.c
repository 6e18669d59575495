/* Writes the options that a program hands to getopt, and ends it before it does anything. Preloaded by
   `cargo xtask options`. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int note(const char *letters, const struct option *names)
{
  FILE *out = fopen(getenv("OPTIONS_OUT"), "w");
  if (!out)
    _exit(1);
  fprintf(out, "%s\n", letters ? letters : "");
  for (; names && names->name; names++)
    fprintf(out, "%s %d\n", names->name, names->has_arg);
  fclose(out);
  _exit(0);
}

int getopt(int argc, char *const argv[], const char *letters)
{
  return note(letters, NULL);
}

int __posix_getopt(int argc, char *const argv[], const char *letters)
{
  return note(letters, NULL);
}

int getopt_long(int argc, char *const argv[], const char *letters, const struct option *names, int *index)
{
  return note(letters, names);
}

int getopt_long_only(int argc, char *const argv[], const char *letters, const struct option *names, int *index)
{
  return note(letters, names);
}
