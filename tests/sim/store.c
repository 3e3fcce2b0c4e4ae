/* store.c - the rules of shared/parley.lua, run by Lua 5.1 on the data of redis.lua */
#include "tests/sim/store.h"
#include "shared/must.h"
#include "tests/sim/time.h"
#include <lua5.1/lauxlib.h>
#include <lua5.1/lualib.h>
#include <openssl/evp.h>
#include <string.h>

static lua_State *lua;

static void fail(const char *what)
{
    log_error("simulator: %s: %s", what, lua_tostring(lua, -1));
    abort();
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* What stands at that place of the stack. */
static void take_text(int index, struct redis_reply *reply)
{
    size_t len = 0;
    lua_pushvalue(lua, index); /* lua_tolstring changes a number in its place */
    const char *text = lua_tolstring(lua, -1, &len);
    reply->bytes = must(calloc(1, len + 1));
    if (text) {
        memcpy(reply->bytes, text, len);
    }
    reply->text = (struct slice){reply->bytes, text ? len : 0};
    lua_pop(lua, 1);
}

/* From the top of the stack, which it takes; lists are flat here, but for parley_changes' cousins,
 * which nobody asks for. */
static struct redis_reply *reply_of_top(bool error)
{
    struct redis_reply *reply = must(calloc(1, sizeof *reply));
    reply->error = error;
    if (lua_istable(lua, -1)) {
        reply->count = lua_objlen(lua, -1);
        reply->items = must(calloc(reply->count + 1, sizeof *reply->items));
        for (size_t i = 0; i < reply->count; i++) {
            lua_rawgeti(lua, -1, (int)i + 1);
            take_text(lua_gettop(lua), &reply->items[i]);
            lua_pop(lua, 1);
        }
    } else {
        take_text(lua_gettop(lua), reply);
    }
    lua_pop(lua, 1);
    return reply;
}

/* ---- Lua ------------------------------------------------------------------------------------- */

static int sha1hex(lua_State *l)
{
    size_t len;
    const char *text = luaL_checklstring(l, 1, &len);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    EVP_Digest(text, len, digest, &size, EVP_sha1(), NULL);
    for (unsigned i = 0; i < size; i++) {
        (void)snprintf(hex + (size_t)i * 2, 3, "%02x", digest[i]);
    }
    lua_pushlstring(l, hex, 2 * (size_t)size);
    return 1;
}

/* Arguments of commands: Redis makes texts of numbers.  (In Lua it would be a fifth of the time.)
 */
static int texts(lua_State *l)
{
    char text[32];
    for (int i = lua_gettop(l); i > 0; i--) {
        if (lua_type(l, i) == LUA_TNUMBER) {
            (void)snprintf(text, sizeof text, "%.17g", lua_tonumber(l, i));
            lua_pushstring(l, text);
            lua_replace(l, i);
        }
    }
    return lua_gettop(l);
}

static void push_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        log_error("simulator: cannot read %s", path);
        abort();
    }
    luaL_Buffer b;
    luaL_buffinit(lua, &b);
    size_t n;
    do {
        n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, file);
        luaL_addsize(&b, n);
    } while (n == LUAL_BUFFERSIZE);
    luaL_pushresult(&b);
    (void)fclose(file);
}

void store_begin(const char *redis_lua, const char *library)
{
    lua = must(luaL_newstate());
    luaL_openlibs(lua);
    lua_register(lua, "sha1hex", sha1hex);
    lua_register(lua, "texts", texts);
    if (luaL_dofile(lua, redis_lua)) {
        fail(redis_lua);
    }
    push_file(library);
    lua_setglobal(lua, "library");
}

void store_end(void)
{
    lua_close(lua);
    lua = NULL;
}

int store_new(void)
{
    lua_getglobal(lua, "new_data");
    lua_call(lua, 0, 1);
    return luaL_ref(lua, LUA_REGISTRYINDEX);
}

int store_copy(int data)
{
    lua_getglobal(lua, "copy_data");
    lua_rawgeti(lua, LUA_REGISTRYINDEX, data);
    lua_call(lua, 1, 1);
    return luaL_ref(lua, LUA_REGISTRYINDEX);
}

void store_drop(int data)
{
    luaL_unref(lua, LUA_REGISTRYINDEX, data);
}

void store_use(int data, const char *run_id)
{
    lua_getglobal(lua, "use");
    lua_rawgeti(lua, LUA_REGISTRYINDEX, data);
    lua_pushstring(lua, run_id);
    lua_call(lua, 2, 0);
    lua_getglobal(lua, "load_library"); /* a new process runs it anew */
    lua_getglobal(lua, "library");
    if (lua_pcall(lua, 1, 0, 0)) {
        fail("the library");
    }
}

static void set_time(void)
{
    lua_getglobal(lua, "set_time");
    lua_pushnumber(lua, (lua_Number)sim_now_us());
    lua_call(lua, 1, 0);
}

static void tell_published(store_published_fn *published, void *ctx)
{
    lua_getglobal(lua, "take_published");
    lua_call(lua, 0, 1);
    struct redis_reply *list = reply_of_top(false);
    for (size_t i = 0; i + 1 < list->count; i += 2) {
        published(ctx, list->items[i].text, list->items[i + 1].text);
    }
    reply_free(list);
}

/* NOLINTNEXTLINE(readability-function-size): a call is what it is */
struct redis_reply *store_call(const char *name, const char *prefix, const struct slice *args,
                               size_t count, store_published_fn *published, void *ctx)
{
    set_time();
    lua_getglobal(lua, "call_function");
    luaL_checkstack(lua, (int)count + 4, "arguments");
    lua_pushstring(lua, name);
    lua_pushstring(lua, prefix);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(lua, args[i].len ? args[i].ptr : "", args[i].len);
    }
    lua_call(lua, (int)count + 2, 2);
    bool error = !lua_isnil(lua, -1);
    lua_remove(lua, error ? -2 : -1);
    struct redis_reply *reply = reply_of_top(error);
    tell_published(published, ctx);
    return reply;
}

struct redis_reply *store_command(const struct slice *argv, size_t argc)
{
    set_time();
    lua_getglobal(lua, "command");
    for (size_t i = 0; i < argc; i++) {
        lua_pushlstring(lua, argv[i].ptr, argv[i].len);
    }
    lua_call(lua, (int)argc, 1);
    return reply_of_top(false);
}
