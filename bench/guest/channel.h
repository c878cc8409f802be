/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "compiler.h"

/*
 * The way out for results: JSON, an object a line, on a file or serial port
 * that carries nothing else. The last line holds the number of lines and a
 * CRC-32 of all bytes before it, so that a reader can tell a whole result
 * from a torn or dirty one.
 */

/**
 * channel_open() - open the channel
 * @path: a file, or a serial port, which is put into raw mode
 * Return: true, or false with errno set.
 */
bool channel_open(const char *path);

/**
 * channel_line() - send one line
 * @fmt: as printf's, a JSON object without the newline
 *
 * A result that cannot be sent cannot be reported either: on an error the
 * guest says so on its console and reboots.
 */
void channel_line(const char *fmt, ...) __printf(1, 2);

/**
 * channel_file() - send a file's content as one line
 * @key: key of the line's only member
 * @path: the file; if it is not there, nothing is sent
 * @json: the content is JSON; else it is sent as an array of lines
 */
void channel_file(const char *key, const char *path, bool json);

/**
 * channel_lines() - send a file's lines, each as a line with one member
 * @key: key of that member
 * @path: the file, which must be there
 * @wanted: whether a line is to be sent
 */
void channel_lines(const char *key, const char *path,
		   bool (*wanted)(const char *line));

/** channel_raw() - send bytes as they are, to test the reader. */
void channel_raw(const char *bytes);

/** channel_flush() - wait until all lines so far are out, should the kernel die next */
void channel_flush(void);

/** channel_end() - send the last line and wait until all is out. */
void channel_end(void);

#endif /* CHANNEL_H */
