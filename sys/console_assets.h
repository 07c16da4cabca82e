/* The console's pages, built into the programs from console/ (console/embed.py). */
#ifndef SYS_CONSOLE_ASSETS_H
#define SYS_CONSOLE_ASSETS_H

#include <stddef.h>

struct console_asset {
    const char *path, *type;
    const unsigned char *bytes;
    size_t length;
};
extern const struct console_asset console_assets[]; /* ends with a zeroed one */

#endif
