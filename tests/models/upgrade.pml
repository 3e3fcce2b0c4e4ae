/* Model E: from polling to a WebSocket.  One Engine.IO connection: the server's half is eio_poll.c and eio_ws_lws.c,
 * the client's is the official one, which stops polling after "3probe" and says "5" when its GET and its POST are
 * answered.  Requests and WebSocket are connections of their own, not ordered against each other.
 * What either side sends arrives once and in order; the client ends upgraded, still polling, or closed for a reason
 * that it was told or could see; a probe that fails leaves polling as it was.
 * (Nothing rescues whoever is stuck but LATE and CUTS, so without them it must hold too.)
 * CARRIED: the WebSocket has come to another gateway, and goes through its tunnel (eio_tunnel_lws.c).
 * Options: 1 = the rule as the code has it, 0 = without it.                                                     */
#ifndef F_NOOP         /* poll_flush(): after "3probe" every GET is answered at once, with a noop if need be     */
#define F_NOOP 1
#endif
#ifndef F_QUIET        /* ... and nothing leaves over the WebSocket before "5"                                   */
#define F_QUIET 1
#endif
#ifndef F_QUEUE        /* take_over(): what is queued then leaves there                                          */
#define F_QUEUE 1
#endif
#ifndef F_ALONE        /* drop_probe(): a probe that fails is closed alone                                       */
#define F_ALONE 1
#endif
#ifndef F_KEEP         /* poll_close(): the server's own end keeps the probe of whom it has answered "3probe"    */
#define F_KEEP 1
#endif
#ifndef F_CLOSING      /* may_take_over(): ... which takes over then, and is closed there                        */
#define F_CLOSING 1
#endif
#ifndef F_LASTWORDS    /* has_last_words(): "1" is an answer of its own, behind the server's last packets        */
#define F_LASTWORDS 1
#endif
#ifndef F_PAUSE        /* the client says "5" only when its GET and its POST are answered                        */
#define F_PAUSE 1
#endif
#ifndef F_BEHIND       /* leave(), end(): the tunnel closes either end behind all that was sent before           */
#define F_BEHIND 1
#endif
#ifndef CARRIED
#define CARRIED 0
#endif
#ifndef DOWN           /* budgets: packets to the client, */
#define DOWN 2
#endif
#ifndef UP             /* to the server, */
#define UP 2
#endif
#ifndef TRIES          /* upgrades that the client begins, */
#define TRIES 2
#endif
#ifndef CUTS           /* WebSockets that are cut (or a gateway that carries one, killed), */
#define CUTS 1
#endif
#ifndef LATE           /* probes that take too long, */
#define LATE 1
#endif
#ifndef ENDS           /* ends by the server's own wish */
#define ENDS 1
#endif

mtype = { NOTHING, OPEN, OPENED, REFUSED, PROBE, PONG, UPGRADE, MESSAGE, CLOSE, NOOP };

/* Requests.  A GET's answer: packets from + 1 to upto, and behind them nothing, a noop or "1". */
chan get = [1] of { bit };
chan got = [1] of { byte, byte, mtype };
chan post = [1] of { byte };
chan posted = [1] of { bool };
/* The WebSocket: frames and what else one sees of it, of the client's end and of the server's */
chan to_server = [6] of { mtype, byte };
chan to_client = [8] of { mtype, byte };
#if CARRIED
chan from_tunnel = [6] of { mtype, byte };
chan into_tunnel = [8] of { mtype, byte };
#else
#define from_tunnel to_server
#define into_tunnel to_client
#endif

/* Server: struct eio_conn, struct eio_poll */
mtype = { POLLING, WEBSOCKET, GONE };
mtype transport = POLLING;
mtype probe = NOTHING;                         /* NOTHING, OPENED, PROBE: it was answered "3probe" */
bool held, wire, closing;                      /* a GET; some WebSocket; the server wants to end */
byte queued, sent, received;
/* Client */
mtype = { FAILED };
mtype uses = POLLING;                          /* POLLING, WEBSOCKET, GONE */
mtype upgrade = NOTHING;                       /* NOTHING, OPEN, PROBE, PONG: it pauses, FAILED: ... for nothing */
bool getting, posting;
byte sends, gets;
/* Ghosts */
bool cut, late;
byte tries = TRIES, cuts = CUTS, lates = LATE, ends = ENDS;

/* ---- Server ----------------------------------------------------------------------------------- */

#define ROOM (len(into_tunnel) < 6)

inline drop_probe() {
  probe = NOTHING; if :: wire -> wire = 0; into_tunnel!CLOSE, 0 :: else fi;
  if :: !F_ALONE -> transport = GONE :: else fi
}
inline release() {                             /* poll_release(): the connection is freed */
  if :: probe != NOTHING && wire -> wire = 0; into_tunnel!CLOSE, 0 :: else fi; probe = NOTHING; transport = GONE
}
active proctype Server() {
  mtype what; byte n;
  do
  :: d_step { transport != GONE && !closing && queued < DOWN -> queued++ }
  /* poll_flush(), at the end of a turn */
  :: d_step { transport == POLLING && held && len(got) == 0 && ROOM &&
              (closing || sent < queued || (probe == PROBE && F_NOOP)) ->
       held = 0;
       if
       :: closing && (sent == queued || !F_LASTWORDS) -> got!sent, queued, CLOSE; sent = queued; release()
       :: !(closing && (sent == queued || !F_LASTWORDS)) && sent < queued -> got!sent, queued, NOTHING; sent = queued
       :: else -> got!sent, sent, NOOP
       fi }
  /* ws_flush(), ws_close() */
  :: d_step { wire && ROOM && sent < queued && (transport == WEBSOCKET || (probe == PROBE && !F_QUIET)) ->
       sent++; into_tunnel!MESSAGE, sent }
  :: d_step { wire && ROOM && sent == queued && transport == WEBSOCKET && closing ->
       wire = 0; into_tunnel!CLOSE, 0; transport = GONE }
  /* eio_poll_get(), eio_poll_post() */
  :: d_step { len(get) > 0 && len(got) == 0 -> get?_; if :: transport == POLLING -> held = 1 :: else -> got!0, 0, REFUSED fi }
  :: d_step { len(post) > 0 -> post?n;
       if
       :: transport == POLLING && !closing -> assert(n == received + 1); received = n; posted!1
       :: else -> posted!0
       fi; n = 0 }
  /* the WebSocket */
  :: d_step { len(from_tunnel) > 0 && ROOM -> from_tunnel?what, n;
       if
       :: what == OPEN ->                      /* eio_poll_may_probe(), eio_poll_probe_opened() */
            if
            :: transport == POLLING && probe == NOTHING && !closing -> probe = OPENED; wire = 1; into_tunnel!OPENED, 0
            :: else -> into_tunnel!REFUSED, 0
            fi
       :: what == PROBE && wire && transport == POLLING -> probe = PROBE; into_tunnel!PONG, 0       /* say_probed() */
       :: what == UPGRADE && wire && transport == POLLING ->                                        /* take_over() */
            if
            :: closing && !F_CLOSING -> drop_probe()
            :: else -> if :: held -> held = 0; got!sent, sent, NOOP :: else fi;
                 probe = NOTHING; transport = WEBSOCKET; if :: !F_QUEUE -> sent = queued :: else fi
            fi
       :: what == MESSAGE && wire && transport == POLLING -> drop_probe()
       :: what == MESSAGE && wire && transport == WEBSOCKET && !closing -> assert(n == received + 1); received = n
       :: what == CLOSE && wire && transport == POLLING -> wire = 0; drop_probe()
       :: what == CLOSE && wire && transport == WEBSOCKET -> wire = 0; transport = GONE
       :: else                                 /* that WebSocket is no more */
       fi; what = 0; n = 0 }
  /* eio_poll_probe_late() */
  :: d_step { lates > 0 && transport == POLLING && wire && ROOM -> lates--; late = 1; drop_probe() }
  /* eio_conn_end(), poll_close() */
  :: d_step { ends > 0 && transport != GONE && ROOM -> ends--; closing = 1;
       if :: transport == POLLING && wire && (probe != PROBE || !F_KEEP) -> drop_probe() :: else fi }
  od
}

/* ---- Client ----------------------------------------------------------------------------------- */

inline gone() { uses = GONE; upgrade = NOTHING }
active proctype Client() {
  mtype what; byte n, m;
  do
  :: d_step { uses == POLLING && !getting && (upgrade == NOTHING || upgrade == OPEN || upgrade == PROBE) -> getting = 1; get!0 }
  :: d_step { len(got) > 0 -> got?n, m, what; getting = 0;
       if
       :: uses == GONE
       :: uses != GONE && what == REFUSED -> assert(closing || cut || late); gone()
       :: uses != GONE && what == CLOSE -> assert(gets == queued); gone()   /* it forgets what came before in that answer */
       :: uses != GONE && what != REFUSED && what != CLOSE -> assert(n == gets); gets = m
       fi; what = 0; n = 0; m = 0 }
  :: d_step { uses == POLLING && !posting && sends < UP && (upgrade == NOTHING || upgrade == OPEN || upgrade == PROBE) ->
       sends++; posting = 1; post!sends }
  :: d_step { len(posted) > 0 -> posted?n; posting = 0;
       if :: uses == POLLING && !n -> assert(closing || cut || late); gone() :: else -> assert(uses == GONE || n) fi; n = 0 }
  :: d_step { uses == POLLING && upgrade == NOTHING && tries > 0 && len(to_server) == 0 && len(to_client) == 0 ->
       tries--; upgrade = OPEN; to_server!OPEN, 0 }
  :: d_step { upgrade == PONG && (!F_PAUSE || (!getting && !posting)) && len(to_server) < 5 ->
       upgrade = NOTHING; uses = WEBSOCKET; to_server!UPGRADE, 0 }
  :: d_step { uses == WEBSOCKET && sends < UP && len(to_server) < 5 -> sends++; to_server!MESSAGE, sends }
  :: d_step { len(to_client) > 0 && len(to_server) < 5 -> to_client?what, n;
       if
       :: uses == GONE
       :: uses != GONE && what == OPENED -> upgrade = PROBE; to_server!PROBE, 0
       :: uses != GONE && what == REFUSED -> upgrade = NOTHING
       :: uses != GONE && what == PONG -> upgrade = PONG
       :: uses != GONE && what == MESSAGE -> assert(uses == WEBSOCKET); assert(n == gets + 1); gets = n
       :: uses == WEBSOCKET && what == CLOSE -> assert(cut || late || (closing && gets == queued)); gone()
       :: uses == POLLING && what == CLOSE -> upgrade = (upgrade == PONG -> FAILED : NOTHING)
       fi; what = 0; n = 0 }
  /* it has stopped polling for a WebSocket that is no more: the connection's heartbeat ends it */
  :: d_step { upgrade == FAILED && !getting && !posting -> assert(cut || late); gone() }
  od
}

/* ---- The network, and the gateway in between --------------------------------------------------- */

inline drain(q) { do :: len(q) > 0 -> q?_, _ :: len(q) == 0 -> break od }
active proctype Network() {
  mtype what; byte n;
  do
#if CARRIED
  :: d_step { len(to_server) > 0 && len(from_tunnel) < 5 -> to_server?what, n; from_tunnel!what, n; what = 0; n = 0 }
  :: d_step { len(into_tunnel) > 0 && len(to_client) < 7 ->
       if
       :: !F_BEHIND && into_tunnel??[CLOSE, 0] -> drain(into_tunnel); to_client!CLOSE, 0
       :: else -> into_tunnel?what, n; to_client!what, n; what = 0; n = 0
       fi }
#endif
  :: d_step { cuts > 0 && wire -> cuts--; cut = 1; drain(to_server); drain(to_client);
#if CARRIED
       drain(from_tunnel); drain(into_tunnel);
#endif
       from_tunnel!CLOSE, 0; to_client!CLOSE, 0 }
  :: timeout -> break
  od;
  if
  :: uses == GONE
  :: uses == POLLING -> assert(transport == POLLING && upgrade == NOTHING && gets == queued && received == sends && getting)
  :: uses == WEBSOCKET -> assert(transport == WEBSOCKET && gets == queued && received == sends)
  fi;
  assert(uses != GONE || cut || late || closing)               /* nobody was closed for nothing */
}
