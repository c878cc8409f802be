// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include "channel.h"
#include "files.h"

static int channel_fd = -1;
static __u32 crc = ~0U;
static unsigned int lines;

static void __noreturn give_up(const char *what)
{
	fprintf(stderr, "init: result channel: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_AUTOBOOT);
	abort();
}

/* CRC-32 as in zlib, bit by bit: some 10 kB in all are not worth a table. */
static void add_to_crc(const char *bytes, size_t len)
{
	size_t i;
	int bit;

	for (i = 0; i < len; i++) {
		crc ^= (unsigned char)bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
}

static void send_bytes(const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(channel_fd, bytes, len);

		if (n < 0)
			give_up("write");
		bytes += n;
		len -= n;
	}
}

static void send_line(char *line, size_t len)
{
	line[len++] = '\n';
	add_to_crc(line, len);
	send_bytes(line, len);
	lines++;
}

bool channel_open(const char *path)
{
	struct termios mode;

	channel_fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_CREAT, 0600);
	if (channel_fd < 0)
		return false;
	if (!tcgetattr(channel_fd, &mode)) {
		cfmakeraw(&mode);
		cfsetspeed(&mode, B115200);
		return !tcsetattr(channel_fd, TCSANOW, &mode);
	}
	return true;
}

void channel_line(const char *fmt, ...)
{
	static char line[4096];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(line) - 1) {
		errno = EMSGSIZE;
		give_up("line");
	}
	send_line(line, len);
}

/* JSON over several lines becomes one: no string in it holds a newline. */
static size_t join_lines(char *to, const char *from)
{
	size_t len = 0;

	for (; *from; from++) {
		if (*from == '\n' || *from == '\t' || *from == '\r')
			continue;
		to[len++] = *from;
	}
	return len;
}

static size_t quote(char *to, const char *from, size_t n)
{
	size_t len = 0, i;

	to[len++] = '"';
	for (i = 0; i < n; i++) {
		unsigned char c = from[i];

		if (c == '"' || c == '\\')
			to[len++] = '\\';
		to[len++] = c < ' ' ? ' ' : c;
	}
	to[len++] = '"';
	return len;
}

static size_t quote_lines(char *to, const char *from)
{
	size_t len = 0;

	to[len++] = '[';
	while (*from) {
		size_t n = strcspn(from, "\n");

		if (len > 1)
			to[len++] = ',';
		len += quote(to + len, from, n);
		from += n + (from[n] == '\n');
	}
	to[len++] = ']';
	return len;
}

void channel_file(const char *key, const char *path, bool json)
{
	static char content[32768], line[2 * sizeof(content) + 256];
	size_t len;

	if (read_file(path, content, sizeof(content)) < 0) {
		if (errno == ENOENT)
			return;
		give_up(path);
	}
	len = sprintf(line, "{\"%s\":", key);
	if (json)
		len += join_lines(line + len, content);
	else
		len += quote_lines(line + len, content);
	line[len++] = '}';
	send_line(line, len);
}

void channel_lines(const char *key, const char *path,
		   bool (*wanted)(const char *line))
{
	static char from[4096], line[2 * sizeof(from) + 256];
	FILE *file = fopen(path, "r");

	if (!file)
		give_up(path);
	while (fgets(from, sizeof(from), file)) {
		size_t len;

		if (!wanted(from))
			continue;
		len = sprintf(line, "{\"%s\":", key);
		len += quote(line + len, from, strcspn(from, "\n"));
		line[len++] = '}';
		send_line(line, len);
	}
	fclose(file);
}

void channel_raw(const char *bytes)
{
	send_bytes(bytes, strlen(bytes));
}

void channel_flush(void)
{
	tcdrain(channel_fd);
}

void channel_end(void)
{
	char line[64];
	int len = sprintf(line, "{\"end\":true,\"lines\":%u,\"crc32\":\"%08x\"}\n",
			  lines, ~crc);

	send_bytes(line, len);
	channel_flush();
}
