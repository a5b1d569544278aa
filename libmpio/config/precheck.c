// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A lexer that knows just enough of libconfig's language to tell strings and
 * comments from the rest. libconfig 1.5 lets integers overflow, takes 010 for
 * eight, ends at a NUL as if that were the file's end, lets a string or comment
 * run on from an included file into the including one, and calls exit() when
 * the file to include is a directory.
 */
#include "precheck.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_errors.h"
#include "textfile.h"

#define DEPTH_MAX 8                     /* libconfig's own limit is 10 */
#define FILES_MAX 64                    /* files that include each other have no end */
#define INCLUDE "@include"

struct lexer {
	const char *file;
	const char *directory;
	const char *at, *end;
	unsigned int line;
	unsigned int depth;
	unsigned int *files;            /* included so far, in all */
	struct config_errors *errors;
};

static void check(struct lexer *lexer);

char *precheck_join(const char *directory, const char *name)
{
	char *path;

	if (*name == '/')
		return strdup(name);
	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static bool looking_at(const struct lexer *lexer, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(lexer->end - lexer->at) >= len && !memcmp(lexer->at, text, len);
}

static void step(struct lexer *lexer)
{
	if (*lexer->at++ == '\n')
		lexer->line++;
}

/* To the end of the line, which is not taken. */
static void skip_line(struct lexer *lexer)
{
	while (lexer->at < lexer->end && *lexer->at != '\n')
		lexer->at++;
}

static void skip_comment(struct lexer *lexer)
{
	unsigned int line = lexer->line;

	for (lexer->at += 2; lexer->at < lexer->end; step(lexer)) {
		if (looking_at(lexer, "*/")) {
			lexer->at += 2;
			return;
		}
	}
	config_errors_add(lexer->errors, lexer->file, line, "this comment has no end");
}

/* Behind the opening quote; NAME (size LEN, may be NULL) gets what stands
 * inside, backslashes resolved as in an @include. False where it has no end. */
static bool skip_string(struct lexer *lexer, char *name, size_t len)
{
	unsigned int line = lexer->line;
	size_t used = 0;

	for (; lexer->at < lexer->end; step(lexer)) {
		if (*lexer->at == '"') {
			lexer->at++;
			if (name)
				name[used < len ? used : len - 1] = '\0';
			return true;
		}
		if (*lexer->at == '\\' && lexer->at + 1 < lexer->end)
			step(lexer);
		if (name && used < len)
			name[used++] = *lexer->at;
	}
	config_errors_add(lexer->errors, lexer->file, line, "this string has no end");
	return false;
}

/* WORD, LEN bytes, begins with a sign or a digit. */
static void check_number(const struct lexer *lexer, const char *word, size_t len)
{
	const char *digits = word + (*word == '+' || *word == '-');
	size_t count = 0, rest = len - (size_t)(digits - word);
	bool is_hex = rest > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x';
	bool is_long;

	if (is_hex)
		digits += 2, rest -= 2;
	while (count < rest && (is_hex ? isxdigit((unsigned char)digits[count]) :
				isdigit((unsigned char)digits[count])))
		count++;
	is_long = count < rest && digits[count] == 'L';
	if (count < rest && !is_long)
		return;                 /* a float, or nothing that libconfig takes */
	if (!is_hex && count > 1 && *digits == '0') {
		config_errors_add(lexer->errors, lexer->file, lexer->line,
				  "%.*s begins with 0 and would be read as octal",
				  len < 40 ? (int)len : 40, word);
		return;
	}
	while (count > 1 && *digits == '0')
		digits++, count--;
	if (is_long ? count > (is_hex ? 15 : 18) : is_hex ? count > 7 :
	    count > 10 || (count == 10 && memcmp(digits, "2147483647", 10) > 0))
		config_errors_add(lexer->errors, lexer->file, lexer->line,
				  "%.*s is too large a number", len < 40 ? (int)len : 40, word);
}

static void skip_word(struct lexer *lexer)
{
	const char *word = lexer->at;

	while (lexer->at < lexer->end &&
	       (isalnum((unsigned char)*lexer->at) || strchr("_.*-+", *lexer->at)))
		lexer->at++;
	if (lexer->at == word)
		step(lexer);
	else if (isdigit((unsigned char)*word) || *word == '+' || *word == '-')
		check_number(lexer, word, (size_t)(lexer->at - word));
}

/*
 * @include "NAME", at the beginning of a line
 */

static void include(struct lexer *lexer, const char *name)
{
	struct lexer inner = {
		.directory = lexer->directory,
		.line = 1,
		.depth = lexer->depth + 1,
		.files = lexer->files,
		.errors = lexer->errors,
	};
	char *path, *text;
	size_t len;
	int error;

	if (!lexer->directory || inner.depth > DEPTH_MAX || ++*lexer->files > FILES_MAX) {
		config_errors_add(lexer->errors, lexer->file, lexer->line, INCLUDE " \"%s\": %s",
				  name, !lexer->directory ? "not here" :
				  "files are included without end");
		return;
	}
	path = precheck_join(lexer->directory, name);
	error = path ? textfile_read(path, PRECHECK_FILE_MAX, &text, &len, NULL) : -ENOMEM;
	if (error) {
		config_errors_add(lexer->errors, lexer->file, lexer->line, INCLUDE " \"%s\": %s",
				  name, error == -ENOTSUP ? "not a file" : strerror(-error));
	} else {
		inner.file = path;
		inner.at = text;
		inner.end = text + len;
		check(&inner);
		free(text);
	}
	free(path);
}

static void check_include(struct lexer *lexer)
{
	char name[PATH_MAX] = "";
	unsigned int line = lexer->line;

	lexer->at += strlen(INCLUDE);
	while (lexer->at < lexer->end && (*lexer->at == ' ' || *lexer->at == '\t'))
		lexer->at++;
	if (lexer->at == lexer->end || *lexer->at != '"') {
		config_errors_add(lexer->errors, lexer->file, lexer->line,
				  INCLUDE " is followed by a file's name in quotes");
		return;
	}
	lexer->at++;
	if (!skip_string(lexer, name, sizeof(name)))
		return;
	/* libconfig 1.7 knows them, 1.5 does not. */
	if (strpbrk(name, "*?["))
		config_errors_add(lexer->errors, lexer->file, line,
				  INCLUDE " \"%s\": wildcards are not known here", name);
	else
		include(lexer, name);
}

static void check(struct lexer *lexer)
{
	while (lexer->at < lexer->end) {
		if (looking_at(lexer, "#") || looking_at(lexer, "//"))
			skip_line(lexer);
		else if (looking_at(lexer, "/*"))
			skip_comment(lexer);
		else if (looking_at(lexer, INCLUDE))
			check_include(lexer);
		else if (*lexer->at == '\0') {
			config_errors_add(lexer->errors, lexer->file, lexer->line,
					  "a NUL byte: this is no text");
			return;
		} else if (*lexer->at == '"') {
			lexer->at++;
			if (!skip_string(lexer, NULL, 0))
				return;
		} else {
			skip_word(lexer);
		}
	}
}

void precheck_text(const char *file, const char *directory, const char *text, size_t len,
		   struct config_errors *errors)
{
	unsigned int files = 0;
	struct lexer lexer = {
		.file = file,
		.directory = directory,
		.at = text,
		.end = text + len,
		.line = 1,
		.files = &files,
		.errors = errors,
	};

	check(&lexer);
}
