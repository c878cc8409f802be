/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * read_file() - read a small file as a string
 * @path: the file
 * @buf: gets its beginning, and a NUL
 * @size: size of @buf
 * Return: bytes read, or -1 with errno set.
 */
ssize_t read_file(const char *path, char *buf, size_t size);

/**
 * write_file() - write a string to a file that exists
 * @path: the file
 * @text: what to write, in one write()
 * Return: true, or false with errno set.
 */
bool write_file(const char *path, const char *text);

/**
 * cpu_in_list_file() - is a CPU in a file such as .../cpu/nohz_full?
 * @path: the file, a list as in "1-3,5"
 * @cpu: the CPU
 */
bool cpu_in_list_file(const char *path, int cpu);

#endif /* FILES_H */
