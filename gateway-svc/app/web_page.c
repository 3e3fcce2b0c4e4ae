/* web_page.c - the web page */
#include "gateway-svc/app/web_page.h"
#include "gateway-svc/app/embed.h"
#include <assert.h>

/* A file of client/web: one line here, and it is built in and served.  A name of its own, and its
 * path in that folder, which ends as one of types[]. */
#define FILES(FILE)                                                                                \
    FILE(page_app_js, "app.js")                                                                    \
    FILE(page_conversation_js, "conversation.js")                                                  \
    FILE(page_core_client_id_js, "core/client_id.js")                                              \
    FILE(page_core_comings_js, "core/comings.js")                                                  \
    FILE(page_core_compose_js, "core/compose.js")                                                  \
    FILE(page_core_connection_js, "core/connection.js")                                            \
    FILE(page_core_controls_js, "core/controls.js")                                                \
    FILE(page_core_dates_js, "core/dates.js")                                                      \
    FILE(page_core_heights_js, "core/heights.js")                                                  \
    FILE(page_core_kept_js, "core/kept.js")                                                        \
    FILE(page_core_links_js, "core/links.js")                                                      \
    FILE(page_core_outbox_js, "core/outbox.js")                                                    \
    FILE(page_core_own_message_js, "core/own_message.js")                                          \
    FILE(page_core_palette_js, "core/palette.js")                                                  \
    FILE(page_core_rows_js, "core/rows.js")                                                        \
    FILE(page_core_sign_in_js, "core/sign_in.js")                                                  \
    FILE(page_core_texts_js, "core/texts.js")                                                      \
    FILE(page_core_timeline_js, "core/timeline.js")                                                \
    FILE(page_core_user_list_js, "core/user_list.js")                                              \
    FILE(page_core_viewport_js, "core/viewport.js")                                                \
    FILE(page_favicon_svg, "favicon.svg")                                                          \
    FILE(page_lang_de_js, "lang/de.js")                                                            \
    FILE(page_lang_en_js, "lang/en.js")                                                            \
    FILE(page_manifest_webmanifest, "manifest.webmanifest")                                        \
    FILE(page_net_session_js, "net/session.js")                                                    \
    FILE(page_net_socket_js, "net/socket.js")                                                      \
    FILE(page_settings_js, "settings.js")                                                          \
    FILE(page_style_css, "style.css")                                                              \
    FILE(page_tab_js, "tab.js")                                                                    \
    FILE(page_theme_css, "theme.css")                                                              \
    FILE(page_theme_js, "theme.js")                                                                \
    FILE(page_view_announcer_js, "view/announcer.js")                                              \
    FILE(page_view_attention_js, "view/attention.js")                                              \
    FILE(page_view_composer_js, "view/composer.js")                                                \
    FILE(page_view_dom_js, "view/dom.js")                                                          \
    FILE(page_view_menu_js, "view/menu.js")                                                        \
    FILE(page_view_message_pane_js, "view/message_pane.js")                                        \
    FILE(page_view_message_row_js, "view/message_row.js")                                          \
    FILE(page_view_sign_in_form_js, "view/sign_in_form.js")                                        \
    FILE(page_view_status_js, "view/status.js")                                                    \
    FILE(page_view_user_pane_js, "view/user_pane.js")                                              \
    FILE(page_view_virtual_list_js, "view/virtual_list.js")

static const struct {
    struct slice ending;
    const char *type;
} types[] = {
    {SLICE_INIT(".html"),        "text/html; charset=utf-8"                },
    {SLICE_INIT(".css"),         "text/css; charset=utf-8"                 },
    {SLICE_INIT(".js"),          "text/javascript; charset=utf-8"          },
    {SLICE_INIT(".json"),        "application/json"                        },
    {SLICE_INIT(".webmanifest"), "application/manifest+json; charset=utf-8"},
    {SLICE_INIT(".svg"),         "image/svg+xml"                           },
    {SLICE_INIT(".png"),         "image/png"                               },
    {SLICE_INIT(".ogg"),         "audio/ogg"                               },
    {SLICE_INIT(".woff2"),       "font/woff2"                              },
};

/* The page runs no script and loads nothing but these files, makes no HTML out of text, talks to
 * this address alone, and stands in nobody's frame. */
static const char headers[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; media-src 'self'; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n"
    "X-Frame-Options: DENY\r\n";

/* NOLINTBEGIN(bugprone-macro-parentheses): names that are declared */
#define DECLARE(name, path) EMBED(name, "client/web/" path);
/* NOLINTEND(bugprone-macro-parentheses) */
EMBED(page_index_html, "client/web/index.html");
FILES(DECLARE)

static const char *type_of(const char *path)
{
    struct slice name = slice_text(path);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct slice ending = types[i].ending;
        if (name.len > ending.len && slice_equal(slice_tail(name, name.len - ending.len), ending)) {
            return types[i].type;
        }
    }
    assert(false); /* a file of the page whose type is not known */
    return NULL;
}

void web_page_serve(struct sio_server *server)
{
    static const struct {
        const char *path;
        const char *bytes;
        const size_t *size;
    } files[] = {
#define ROW(name, path) {"/web/" path, name, &name##_size},
        FILES(ROW)};
    sio_server_page(server, "/", type_of("index.html"), headers,
                    (struct slice){page_index_html, page_index_html_size});
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        sio_server_page(server, files[i].path, type_of(files[i].path), headers,
                        (struct slice){files[i].bytes, *files[i].size});
    }
}
