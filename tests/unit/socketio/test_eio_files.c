/* test_eio_files.c - files beside the connections: found by name alone, known by their tag */
#include "gateway-svc/socketio/eio_files.h"
#include "tests/support/exact_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct eio_files *files, const char *name, const char *body)
{
    eio_files_add(files, &(struct eio_file){
                             .name = name, .type = "text/javascript", .body = slice_text(body)});
}

static struct eio_files two_files(void)
{
    struct eio_files files = {0};
    add(&files, "a.js", "one");
    add(&files, "b.js", "two");
    return files;
}

static const struct eio_file *find(const struct eio_files *files, const char *path)
{
    struct slice copy = exact_copy(slice_text(path));
    const struct eio_file *file = eio_files_find(files, SLICE("/socket.io/"), copy);
    exact_free(copy);
    return file;
}

static void a_file_is_found_by_its_whole_name(void **state)
{
    static const char *const others[] = {
        "",
        "/",
        "/socket.io/",
        "/socket.io",
        "/socket.io/a.j",
        "/a.js",
        "/socket.io/a.js/",
        "/socket.io/a.jsx",
        "/socket.io//a.js",
        "a.js",
        "/SOCKET.IO/a.js",
        "/socket.io/../a.js",
        "/socket.io/A.js",
        "/other/a.js",
    };
    struct eio_files files = two_files();
    (void)state;
    assert_ptr_equal(find(&files, "/socket.io/a.js"), &files.files[0]);
    assert_ptr_equal(find(&files, "/socket.io/b.js"), &files.files[1]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_null(find(&files, others[i]));
    }
    files.count = 0;
    assert_null(find(&files, "/socket.io/a.js"));
}

static void a_page_is_found_by_its_whole_path(void **state)
{
    static const char *const others[] = {
        "",
        "//",
        "/x",
        "/we",
        "/web/",
        "/web/a.jsx",
        "/socket.io",
        "/Web/a.js",
        "/web//a.js",
        "/web/../a.js",
        "web/a.js",
        "/socket.io/",
        "/socket.io//",
        "/socket.io//web/a.js",
        "/socket.io/web/a.js",
    };
    struct eio_files files = two_files();
    (void)state;
    add(&files, "/", "three");
    add(&files, "/web/a.js", "four");
    assert_ptr_equal(find(&files, "/"), &files.files[2]);
    assert_ptr_equal(find(&files, "/web/a.js"), &files.files[3]);
    assert_ptr_equal(find(&files, "/socket.io/b.js"), &files.files[1]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_null(find(&files, others[i]));
    }
    assert_false(eio_file_is_page(&files.files[1]));
    assert_true(eio_file_is_page(&files.files[2]));
}

static void so_many_files_fit(void **state)
{
    static char names[EIO_FILES_MAX][8];
    struct eio_files files = {0};
    (void)state;
    for (size_t i = 0; i < EIO_FILES_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        add(&files, names[i], names[i]);
    }
    assert_ptr_equal(find(&files, "/socket.io/7"), &files.files[7]);
    assert_ptr_equal(find(&files, "/socket.io/63"), &files.files[63]);
    for (size_t i = 1; i < EIO_FILES_MAX; i++) { /* each content has a tag of its own */
        assert_string_not_equal(files.files[i].etag, files.files[0].etag);
    }
}

static void the_tag_tells_contents_apart(void **state)
{
    struct eio_files files = two_files();
    (void)state;
    add(&files, "c.js", "one");
    assert_int_equal(strlen(files.files[0].etag), 18);
    assert_int_equal(files.files[0].etag[0], '"');
    assert_int_equal(files.files[0].etag[17], '"');
    assert_string_not_equal(files.files[0].etag, files.files[1].etag);
    assert_string_equal(files.files[0].etag, files.files[2].etag);
}

static void a_client_may_have_it_already(void **state)
{
    static const struct {
        const char *header; /* %s: the file's tag */
        bool known;
    } cases[] = {
        {"",                  false},
        {"%s",                true },
        {" %s ",              true },
        {"W/%s",              true },
        {"*",                 true },
        {"\"x\", %s",         true },
        {"\"x\",W/\"y\",%s,", true },
        {"\"x\"",             false},
        {"%sx",               false},
        {"x%s",               false},
        {"W/",                false},
        {",,,",               false},
        {"w/%s",              false},
        {"\"x\" %s",          false},
    };
    struct eio_files files = two_files();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100] = "";
        const char *mark = strstr(cases[i].header, "%s");
        int before = mark ? (int)(mark - cases[i].header) : (int)strlen(cases[i].header);
        (void)snprintf(text, sizeof text, "%.*s%s%s", before, cases[i].header,
                       mark ? files.files[0].etag : "", mark ? mark + 2 : "");
        struct slice copy = exact_copy(slice_text(text));
        assert_int_equal(eio_file_is_known(&files.files[0], copy), cases[i].known);
        exact_free(copy);
    }
    assert_false(eio_file_is_known(&files.files[0], slice_text(files.files[1].etag)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_found_by_its_whole_name),
        cmocka_unit_test(a_page_is_found_by_its_whole_path),
        cmocka_unit_test(so_many_files_fit),
        cmocka_unit_test(the_tag_tells_contents_apart),
        cmocka_unit_test(a_client_may_have_it_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
