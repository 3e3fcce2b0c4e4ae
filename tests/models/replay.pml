/* Model D: nothing lost.  One receiver, who always shows his last_id, and two gateways; messages to him, to the
 * group, and to somebody else at the same gateway.  What he gets rises; at rest he has every message that was
 * acknowledged, or was told since (`recovered: false`) that some are lost.
 * A call is executed when it is made, and its answer comes later; lines come later too, over another connection, in
 * the order in which they were published.  A gateway without the session is prompt.  Links are model A, settling is
 * model B: here it lasts until every gateway is back.
 * Options: 1 = the rule as the code has it, 0 = without it.                                                     */
#ifndef F_FIRST        /* enter(): the epoch's first id is raised with message:id                                */
#define F_FIRST 1
#endif
#ifndef F_EPOCH        /* parley_replay: an id from before the epoch is no proof of anything                     */
#define F_EPOCH 1
#endif
#ifndef F_GONE         /* parley_replay: what was trimmed is noticed                                             */
#define F_GONE 1
#endif
#ifndef F_MARKS        /* repair_missed(): a mark per session, not one for the gateway                           */
#define F_MARKS 1
#endif
#ifndef F_BEFORE       /* on_connected(): what came before a session was attached is for its clients to ask for  */
#define F_BEFORE 1
#endif
#ifndef F_TARGET       /* fill_aim(): the first answer's message:id counts; 0: the last one's                    */
#define F_TARGET 1
#endif
#ifndef F_WAIT         /* repair_message(): messages wait while others are fetched                               */
#define F_WAIT 1
#endif
#ifndef F_FENCE        /* repair_message(): ... and when the lease may have lapsed, first everybody is attached  */
#define F_FENCE 1
#endif
#ifndef F_REATTACH     /* missed_group(): a hole in the group's channel attaches everybody too                   */
#define F_REATTACH 1
#endif
#ifndef F_NONCE        /* on_nonce(): the nonce tells the group's count                                          */
#define F_NONCE 1
#endif
#ifndef F_PROVEN       /* link.c: the subscription is proven before anybody is attached                          */
#define F_PROVEN 1
#endif
#ifndef F_LATE         /* fill_page(): what is found behind a higher id is told as lost                       */
#define F_LATE 1
#endif
#ifndef F_KNOWS        /* replay_lost(): what a client knows it is not told                                      */
#define F_KNOWS 1
#endif
#ifndef F_ENDS         /* replay.c, go_live(): its pages tell what is lost up to where they end; 0: for ever       */
#define F_ENDS 1
#endif
#ifndef F_LIVED        /* replay_lost(): who was live, and falls behind, is told of what is lost before that        */
#define F_LIVED 1
#endif
#ifndef F_PASS         /* replay_give(): live messages are not given to whoever catches up                       */
#define F_PASS 1
#endif
#ifndef F_HOLD         /* backlog_hold(): ... but held while a question is out                                   */
#define F_HOLD 1
#endif
#ifndef F_SEEN         /* replay_give(): ids rise at a live client                                               */
#define F_SEEN 1
#endif
#ifndef F_STALLED      /* replay_attached(): who waited for the link asks again                                  */
#define F_STALLED 1
#endif
#ifndef MSGS           /* budgets */
#define MSGS 3
#endif
#ifndef MOVES          /* he loses his socket, and comes back at either gateway */
#define MOVES 1
#endif
#ifndef BREAKS         /* of a link */
#define BREAKS 0
#endif
#ifndef LAPSES         /* of a lease; the gateway may sleep over it */
#define LAPSES 0
#endif
#ifndef LOSSES         /* of single lines */
#define LOSSES 0
#endif
#ifndef FLUSHES        /* all data is lost */
#define FLUSHES 0
#endif
#ifndef ROLLBACKS      /* a lagging replica takes over */
#define ROLLBACKS 0
#endif
#ifndef FRESH          /* a service that has seen no id calls first */
#define FRESH 0
#endif
#ifndef TRIMS          /* the oldest copy is dropped */
#define TRIMS 0
#endif
#ifndef MUCH           /* more was missed than is fetched for all */
#define MUCH 0
#endif
#ifndef OTHERS         /* 1: somebody else at the same gateway is written to */
#define OTHERS 0
#endif
#ifndef DROPS          /* more waits than may */
#define DROPS 0
#endif
#define K 4                                    /* stands for 1,000,000: more than are ever unseen */
#define NOWHERE 2

/* Sets of message ids */
#define ID(i) (1 << (i))
#define UPTO(i) ((1 << ((i) + 1)) - 1)
#define ABOVE(i) (~UPTO(i))

/* Redis.  Ids up to K were given, and read, before the model begins. */
byte ep = 1, mid = K, first, last_direct, gone_direct, gone_group;
int inbox, group;
bool known = 1, settle, runchg, at[2], lease[2] = 1;
bool snapped, p_known, p_at[2], p_lease[2];    /* what a lagging replica has */
byte p_ep, p_mid, p_first, p_last_direct, p_gone_direct, p_gone_group;
int p_inbox, p_group;
byte nextep = 2;

/* The two connections of each gateway */
mtype = { ATTACH, CONNECT, OF_GROUP, OF_SESSION, PAGE };
chan feed[2] = [4] of { byte };                /* ids */
/* what, epoch, message:id (0: refused for the link), round, a set of ids or one id, whole / ok, more / settles */
chan answers[2] = [8] of { mtype, byte, byte, byte, int, bool, bool };

/* Gateways: struct relay */
mtype = { DOWN, ATTACHING, FILLING, UP };
mtype st[2] = UP;
byte e[2] = 1, seen[2] = K, heard_epoch[2] = 1, heard_id[2] = K, round[2], delivered[2] = K, group_mark[2] = K;
bool epoch_lost[2], held_dropped[2], subscribed[2] = 1, overslept[2], hole_own[2], hole_group[2];
int held[2];
byte target[2], filling[2]; int of_group[2], of_session[2]; bool source[2];
byte lost_group[2], lost_session[2];           /* 0: nothing; else what is lost is not above this */
/* ... struct session */
bool unsent[2], unasked[2];                    /* goes on at once: */
#define BUSY(g) (unsent[g] || unasked[g] || (st[g] == FILLING && filling[g] == 0))
bool session[2], named[2], attached[2]; byte newest[2] = K;
/* ... struct client with its replay and backlog */
mtype = { NONE, WAITING, CATCHING, LIVE };
mtype client[2] = NONE;
bool asked[2], stalled[2], sure[2]; byte after[2], cseen[2], out[2]; int backlog[2];
#define ALL 255
byte knows[2] = ALL;

/* The client itself, and ghosts */
byte home = NOWHERE, last = K; bool dead;
int to_group, to_him, acked, got, excused;
int owed;                                      /* in time: these were there to be fetched when he had nothing above */
bool cause;                                    /* something that may lose messages has happened */
byte msgs = MSGS, moves = MOVES, breaks = BREAKS, lapses = LAPSES, losses = LOSSES, flushes = FLUSHES;
byte rollbacks = ROLLBACKS, fresh = FRESH, trims = TRIMS, much = MUCH, drops = DROPS;
hidden byte i, x, as_of, n; hidden int m; hidden mtype what; hidden byte w, more;

/* ---- Redis: parley.lua ---------------------------------------------------------------------- */

#define CHANGED(c, sn) (ep == 0 || runchg || ((c) == ep && mid < (sn) && !settle))
inline enter(c, sn) {                          /* enter(), open_epoch() */
  if
  :: CHANGED(c, sn) -> ep = nextep; nextep++; runchg = 0; settle = 1;
       mid = (sn > mid -> sn : mid) + K; first = mid
  :: !CHANGED(c, sn) && c != ep && sn > 0 && mid < sn + K -> mid = sn + K; if :: F_FIRST -> first = mid :: else fi
  :: else
  fi
}
#define MAY_ASK(a) ((!F_EPOCH || (a) >= first) && (a) <= mid)
#define WHOLE_GROUP(a) ((!F_GONE || gone_group <= (a)) && MAY_ASK(a))
#define WHOLE_DIRECT(a) ((!F_GONE || gone_direct <= (a)) && MAY_ASK(a))

inline call_attach(g) {                        /* parley_reattach */
  enter(e[g], seen[g]);
  if
  :: !lease[g] -> answers[g]!ATTACH, ep, 0, 0, 0, 0, 0
  :: else ->
       if :: !known && settle && e[g] != ep -> known = 1 :: else fi;
       at[g] = known; answers[g]!ATTACH, ep, mid, round[g], last_direct, known, 0
  fi
}
inline call_connect(g, r) {                    /* parley_connect */
  enter(e[g], seen[g]);
  if
  :: !lease[g] -> answers[g]!CONNECT, ep, 0, 0, 0, 0, 0
  :: else -> at[g] = known; answers[g]!CONNECT, ep, mid, r, last_direct, known, settle
  fi
}
inline call_group(g) {                         /* parley_group, all its pages at once */
  enter(e[g], seen[g]);
  if
  :: !lease[g] -> answers[g]!OF_GROUP, ep, 0, 0, 0, 0, 0
  :: else -> answers[g]!OF_GROUP, ep, mid, round[g], group & ABOVE(group_mark[g]), WHOLE_GROUP(group_mark[g]), 0
  fi
}
inline call_inbox(g) {                         /* parley_replay for the gateway, all its pages at once */
  enter(e[g], seen[g]);
  if
  :: !lease[g] -> answers[g]!OF_SESSION, ep, 0, 0, 0, 0, 0
  :: else -> answers[g]!OF_SESSION, ep, mid, round[g], inbox & ABOVE(newest[g]), WHOLE_DIRECT(newest[g]), 0
  fi
}
inline call_page(g) {                          /* parley_replay for the client; a page is one message */
  enter(e[g], seen[g]); asked[g] = 1; out[g]++;
  if
  :: !lease[g] -> answers[g]!PAGE, ep, 0, 0, 0, 0, 0
  :: else ->
       m = (inbox | group) & ABOVE(after[g]); n = 0;
       do :: m != 0 && !(m & ID(n)) -> n++ :: else -> break od;
       more = (m & ABOVE(n)) != 0;
       answers[g]!PAGE, ep, mid, (more -> n : mid), (m == 0 -> 0 : n),
         WHOLE_GROUP(after[g]) && WHOLE_DIRECT(after[g]), more;
       m = 0; n = 0; more = 0
  fi
}

/* ---- What the client gets ------------------------------------------------------------------- */

inline emit(g, id) {
  if
  :: home == g -> assert(id > last);                         /* in order, and once */
       assert((owed & ~got & UPTO(id - 1)) == 0);            /* what could be had in time is not passed over */
       last = id; got = got | ID(id)
  :: else
  fi
}
/* `session {recovered: false}`: it says that of what came so far some may be lost */
inline told(g, id) {
  if :: home == g -> assert(cause); excused = excused | UPTO(id) :: else fi
}

/* ---- app/replay.c, app/backlog.c ------------------------------------------------------------ */

inline ask(g) {
  if :: !attached[g] -> stalled[g] = 1 :: else -> stalled[g] = 0; call_page(g) fi
}
inline replay_give(g, id) {
  if
  :: client[g] == LIVE -> if :: id > cseen[g] || !F_SEEN -> cseen[g] = id; emit(g, id) :: else fi
  :: (client[g] == CATCHING || client[g] == WAITING) && !F_PASS -> emit(g, id)
  :: (client[g] == CATCHING || client[g] == WAITING) && F_PASS && asked[g] && F_HOLD -> backlog[g] = backlog[g] | ID(id)
  :: else
  fi
}
inline replay_attached(g) {
  if :: client[g] != NONE && client[g] != LIVE && stalled[g] && F_STALLED -> ask(g) :: else fi
}
inline replay_lost(g, id) {
  if
  :: (id > knows[g] || !F_KNOWS) && (client[g] == LIVE || (client[g] == CATCHING && sure[g] && F_LIVED)) ->
       knows[g] = id; sure[g] = 0; told(g, id)
  :: else                                      /* its own pages tell it, or have */
  fi
}
inline take_page(g) {                          /* take_page(), backlog_page(), finish() */
  asked[g] = 0;
  if :: (client[g] == WAITING || sure[g]) && !w -> told(g, as_of) :: else fi;
  sure[g] = (client[g] == WAITING -> w : sure[g] && w); client[g] = CATCHING;
  if :: m != 0 -> emit(g, m) :: else fi;
  after[g] = (n > after[g] -> n : after[g]);
  if
  :: more -> backlog[g] = 0; ask(g)
  :: else -> client[g] = LIVE; cseen[g] = after[g]; if :: F_ENDS -> knows[g] = after[g] :: else fi;
       if :: !sure[g] && home == g -> excused = excused | UPTO(after[g]) :: else fi;
       i = 0;
       do
       :: i <= mid && (backlog[g] & ID(i)) -> replay_give(g, i); i++
       :: i <= mid && !(backlog[g] & ID(i)) -> i++
       :: else -> break
       od; i = 0; backlog[g] = 0; sure[g] = 0; after[g] = 0
  fi
}
inline close_client(g) {                       /* replay_leave(), relay_close(): parley_detach */
  client[g] = NONE; asked[g] = 0; stalled[g] = 0; sure[g] = 0; after[g] = 0; cseen[g] = 0; backlog[g] = 0;
  knows[g] = ALL; session[g] = 0; named[g] = 0; attached[g] = 0; if :: st[g] != DOWN && lease[g] -> at[g] = 0 :: else fi;
  newest[g] = 0; if :: home == g -> home = NOWHERE; owed = 0 :: else fi
}

/* ---- relay/repair.c, relay/newcomers.c, relay/round.c, relay/channels.c ---------------------- */

inline raise(mark, id) { if :: (id) > mark -> mark = (id) :: else fi }

inline note_delivered(g, id) {
  raise(delivered[g], id); if :: heard_epoch[g] == e[g] -> raise(seen[g], id) :: else fi
}
inline deliver(g, id) {
  if
  :: id > delivered[g] -> note_delivered(g, id);
       if
       :: to_him & ID(id) -> if :: attached[g] -> raise(newest[g], id); replay_give(g, id) :: else fi
       :: to_group & ID(id) -> raise(group_mark[g], id); replay_give(g, id)
       :: else                                 /* somebody else's */
       fi
  :: else
  fi
}
inline repair_forget(g) {
  held[g] = 0; held_dropped[g] = 0; target[g] = 0; filling[g] = 0; of_group[g] = 0; of_session[g] = 0;
  lost_group[g] = 0; lost_session[g] = 0; source[g] = 0
}
inline deliver_fill(g) {
  i = 0;
  do
  :: i <= target[g] ->
       if
       :: (of_session[g] & ID(i)) -> raise(newest[g], i); note_delivered(g, i); replay_give(g, i)
       :: (of_group[g] & ID(i)) -> raise(group_mark[g], i); note_delivered(g, i); replay_give(g, i)
       :: else
       fi; i++
  :: else -> break
  od; i = 0
}
inline release_held(g) {
  i = 0;
  do
  :: i <= mid && (held[g] & ID(i)) -> deliver(g, i); i++
  :: i <= mid && !(held[g] & ID(i)) -> i++
  :: else -> break
  od; i = 0
}
inline behind(g) {                             /* replay_behind() */
  if :: client[g] == LIVE -> client[g] = CATCHING; sure[g] = 1; after[g] = cseen[g]; cseen[g] = 0; ask(g) :: else fi
}
inline end_round(g, epoch) {
  epoch_lost[g] = epoch_lost[g] || e[g] != epoch; e[g] = epoch; raise(seen[g], heard_id[g]);
  st[g] = FILLING; unasked[g] = 1; filling[g] = 0
}
inline repair_fill(g) {
  unasked[g] = 0;
  if
  :: session[g] -> filling[g] = 1 + source[g]; call_group(g); if :: source[g] -> call_inbox(g) :: else fi
  :: else
  fi
}
/* LINK_EV_STALE, and what a new link begins with */
inline attach_all(g) {
  if :: home == g && client[g] == LIVE -> owed = owed | (acked & (inbox | group) & ABOVE(last)) :: else fi;
  repair_forget(g); round[g] = round[g] % 3 + 1; st[g] = ATTACHING; unsent[g] = 1; unasked[g] = 0
}
inline attach_more(g) {
  unsent[g] = 0;
  if
  :: session[g] && named[g] -> call_attach(g)
  :: session[g] && !named[g] -> call_connect(g, round[g])
  :: else -> end_round(g, heard_epoch[g])
  fi
}
inline finish(g, big) {
  if :: target[g] == 0 -> target[g] = heard_id[g] :: else fi;
  if :: big -> behind(g) :: else -> deliver_fill(g) fi;
  raise(group_mark[g], target[g]); raise(delivered[g], target[g]);
  if :: session[g] -> raise(newest[g], target[g]) :: else fi;
  if :: epoch_lost[g] -> raise(lost_group[g], target[g]) :: else fi;
  if
  :: session[g] && attached[g] && lost_session[g] -> raise(lost_session[g], lost_group[g]); replay_lost(g, lost_session[g])
  :: else
  fi;
  if :: session[g] && lost_group[g] -> replay_lost(g, lost_group[g]) :: else fi;
  epoch_lost[g] = 0;
  release_held(g);
  st[g] = UP;
  if :: held_dropped[g] -> attach_all(g) :: else -> repair_forget(g) fi
}
inline lost_link(g) {                          /* LINK_EV_LOST, relay_forget_all() */
  do :: len(feed[g]) > 0 -> feed[g]?_ :: len(feed[g]) == 0 -> break od;
  do :: len(answers[g]) > 0 -> answers[g]?_,_,_,_,_,_,_ :: len(answers[g]) == 0 -> break od;
  st[g] = DOWN; unsent[g] = 0; unasked[g] = 0; subscribed[g] = 0; hole_own[g] = 0; hole_group[g] = 0; repair_forget(g); attached[g] = 0; out[g] = 0;
  asked[g] = 0; backlog[g] = 0;
  if :: client[g] != NONE && client[g] != LIVE -> stalled[g] = 1 :: else fi;
  if :: session[g] && !named[g] -> close_client(g) :: else fi
}
inline hear(g, epoch, id) {                    /* relay_heard(), judge_epoch() */
  heard_epoch[g] = epoch; heard_id[g] = id;
  if
  :: epoch == e[g] -> raise(seen[g], id)
  :: epoch != e[g] && (st[g] == FILLING || st[g] == UP) -> attach_all(g)
  :: else
  fi
}
inline on_attached(g) {                        /* judge(), round_answered() */
  if
  :: n == round[g] && st[g] == ATTACHING ->
       if
       :: w -> attached[g] = 1; source[g] = (m > (F_MARKS -> newest[g] : delivered[g])); target[g] = as_of;
            replay_attached(g)
       :: else -> if :: home == g -> dead = 1 :: else fi; close_client(g)
       fi;
       end_round(g, x)
  :: else
  fi
}
inline on_connected(g) {
  i = (n != 0 && n == round[g] && st[g] == ATTACHING);       /* part of a round */
  if
  :: session[g] && !named[g] && w ->
       named[g] = 1; attached[g] = 1; raise(newest[g], delivered[g]); if :: F_BEFORE -> raise(newest[g], as_of) :: else fi; ask(g)
  :: session[g] && !named[g] && !w -> if :: home == g && !more -> dead = 1 :: else fi; close_client(g)
  :: else
  fi;
  if
  :: i -> target[g] = as_of; end_round(g, x)
  :: else
  fi
}
inline on_filled(g) {                          /* on_page() of repair.c, fill_page() */
  filling[g]--;
  if :: target[g] == 0 || !F_TARGET -> target[g] = as_of :: else fi;
  i = 0;                                       /* not whole: before the oldest that is there */
  do :: !w && m != 0 && !(m & ID(i)) -> i++ :: else -> break od;
  i = (w -> 0 : (m == 0 || i > target[g] -> target[g] : i - 1));
  m = m & UPTO(target[g]);
  n = (what == OF_GROUP -> delivered[g] : (newest[g] > group_mark[g] -> newest[g] : group_mark[g]));
  do                                           /* too late: ids would not rise */
  :: n > 0 && (m & ID(n)) -> m = m & ~ID(n); if :: F_LATE -> raise(i, n) :: else fi
  :: n > 0 && !(m & ID(n)) -> n--
  :: else -> break
  od;
  if
  :: what == OF_GROUP -> of_group[g] = m; lost_group[g] = i
  :: else -> of_session[g] = m; lost_session[g] = i
  fi
}
#define ROOM(g) (len(answers[g]) <= 1)

active [2] proctype Gateway() {
  do
  :: d_step { unsent[_pid] -> attach_more(_pid) }
  :: d_step { unasked[_pid] -> repair_fill(_pid) }
  :: d_step { st[_pid] == FILLING && filling[_pid] == 0 && !unasked[_pid] -> finish(_pid, 0) }
  :: d_step { st[_pid] == FILLING && filling[_pid] == 0 && !unasked[_pid] && much > 0 -> much--; finish(_pid, 1) }
  /* an answer */
  :: d_step { !BUSY(_pid) && len(answers[_pid]) > 0 ->
         answers[_pid]?what, x, as_of, n, m, w, more;
         if :: what == PAGE && out[_pid] > 0 -> out[_pid]-- :: else fi;
         if
         :: as_of == 0 -> lost_link(_pid)
         :: else -> hear(_pid, x, as_of);
              if
              :: what == ATTACH -> on_attached(_pid)
              :: what == CONNECT -> on_connected(_pid)
              :: (what == OF_GROUP || what == OF_SESSION) && n == round[_pid] && st[_pid] == FILLING ->
                   on_filled(_pid)
              :: what == PAGE && asked[_pid] -> take_page(_pid)
              :: else
              fi
         fi; what = 0; x = 0; as_of = 0; n = 0; m = 0; w = 0; more = 0; i = 0 }
  /* a line */
  :: d_step { !BUSY(_pid) && len(feed[_pid]) > 0 && ROOM(_pid) ->
         feed[_pid]?x;
         if
         :: !(to_group & ID(x)) && hole_own[_pid] -> hole_own[_pid] = 0; attach_all(_pid)
         :: (to_group & ID(x)) && hole_group[_pid] -> hole_group[_pid] = 0;
              if
              :: F_REATTACH || st[_pid] != UP || !session[_pid] -> attach_all(_pid)
              :: else ->                       /* asks for the group alone */
                   repair_forget(_pid); round[_pid] = round[_pid] % 3 + 1; st[_pid] = FILLING; unasked[_pid] = 1;
                   if :: home == _pid && client[_pid] == LIVE -> owed = owed | (acked & (inbox | group) & ABOVE(last)) :: else fi
              fi
         :: else
         fi;
         if :: st[_pid] == UP && overslept[_pid] && F_FENCE -> attach_all(_pid) :: else fi;
         if
         :: st[_pid] == UP || !F_WAIT -> deliver(_pid, x)
         :: st[_pid] != UP && F_WAIT && !held_dropped[_pid] -> held[_pid] = held[_pid] | ID(x)
         :: else
         fi; x = 0; i = 0 }
  :: d_step { drops > 0 && held[_pid] != 0 -> drops--; held[_pid] = 0; held_dropped[_pid] = 1 }
  /* the nonce, behind all lines, tells the counts */
  :: d_step { !BUSY(_pid) && st[_pid] != DOWN && subscribed[_pid] && len(feed[_pid]) == 0 && ROOM(_pid) &&
              (hole_own[_pid] || (hole_group[_pid] && F_NONCE)) ->
       hole_own[_pid] = 0; if :: F_NONCE -> hole_group[_pid] = 0 :: else fi; attach_all(_pid) }
  /* a renewal, when it would tell something new */
  :: d_step { !BUSY(_pid) && st[_pid] == UP && ROOM(_pid) && (!lease[_pid] || ep != e[_pid] || CHANGED(e[_pid], seen[_pid])) ->
       enter(e[_pid], seen[_pid]);
       if :: !lease[_pid] -> lost_link(_pid) :: else -> hear(_pid, ep, mid) fi }
  /* a new link; its number, the subscription, the nonce that proves it */
  :: d_step { st[_pid] == DOWN -> enter(e[_pid], seen[_pid]); lease[_pid] = 1; overslept[_pid] = 0; subscribed[_pid] = F_PROVEN;
       heard_epoch[_pid] = ep; heard_id[_pid] = mid; if :: ep == e[_pid] -> raise(seen[_pid], mid) :: else fi;
       attach_all(_pid) }
  :: d_step { st[_pid] == UP && !subscribed[_pid] -> subscribed[_pid] = 1 }
  /* a socket that is broken is noticed */
  :: d_step { !BUSY(_pid) && client[_pid] != NONE && home != _pid -> close_client(_pid) }
  /* the client comes, with last_id */
  :: d_step { !BUSY(_pid) && home == NOWHERE && !dead && client[_pid] == NONE && !session[_pid] && st[_pid] != DOWN && len(answers[_pid]) == 0 ->
       home = _pid; client[_pid] = WAITING; session[_pid] = 1; after[_pid] = last; call_connect(_pid, 0) }
  /* faults */
  :: d_step { breaks > 0 && st[_pid] != DOWN -> breaks--; lost_link(_pid) }
  :: d_step { lapses > 0 && lease[_pid] && !settle && ep != 0 && !runchg -> lapses--; lease[_pid] = 0; at[_pid] = 0; overslept[_pid] = 1 }
  :: d_step { losses > 0 && len(feed[_pid]) > 0 -> losses--; cause = 1; feed[_pid]?x;
       if :: to_group & ID(x) -> hole_group[_pid] = 1 :: else -> hole_own[_pid] = 1 fi; x = 0 }
  od
}

/* ---- Everybody else --------------------------------------------------------------------------- */

#define SENDER (st[1] == UP && lease[1] && e[1] == ep -> 1 : 0)
#define MAY_SEND (msgs > 0 && !settle && ep != 0 && !runchg && len(feed[0]) < 4 && len(feed[1]) < 4 && st[SENDER] == UP && lease[SENDER] && e[SENDER] == ep)
/* A line for a gateway without the session passes at once. */
inline publish(g) {
  if
  :: subscribed[g] && (session[g] || st[g] != UP || len(feed[g]) > 0 || hole_own[g] || hole_group[g]) -> feed[g]!mid
  :: subscribed[g] && !(session[g] || st[g] != UP || len(feed[g]) > 0 || hole_own[g] || hole_group[g]) -> deliver(g, mid)
  :: else
  fi
}
inline next_id() {
  msgs--; mid++; assert(!((acked | to_him | to_group) & ID(mid))); seen[SENDER] = (mid > seen[SENDER] -> mid : seen[SENDER])
}

active proctype World() {
  do
  :: d_step { MAY_SEND && known -> next_id(); to_him = to_him | ID(mid); acked = acked | ID(mid);
       inbox = inbox | ID(mid); last_direct = mid;
       if :: at[0] -> publish(0) :: else fi; if :: at[1] -> publish(1) :: else fi }
  :: d_step { MAY_SEND -> next_id(); to_group = to_group | ID(mid); acked = acked | ID(mid);
       group = group | ID(mid); publish(0); publish(1) }
  :: d_step { MAY_SEND && OTHERS > 0 -> next_id(); publish(0); publish(1) }
  :: d_step { moves > 0 && home != NOWHERE -> moves--; home = NOWHERE; owed = 0 }
  /* settling ends, when all are back */
  :: d_step { settle && ep != 0 && !runchg && e[0] == ep && e[1] == ep && st[0] == UP && st[1] == UP -> settle = 0 }
  :: d_step { fresh > 0 && CHANGED(0, 0) -> fresh--; enter(0, 0) }
  /* losses */
  :: d_step { trims > 0 && inbox != 0 -> trims--; cause = 1; i = 0; do :: !(inbox & ID(i)) -> i++ :: else -> break od;
       inbox = inbox & ~ID(i); gone_direct = i; owed = owed & ~ID(i); i = 0 }
  :: d_step { trims > 0 && group != 0 -> trims--; cause = 1; i = 0; do :: !(group & ID(i)) -> i++ :: else -> break od;
       group = group & ~ID(i); gone_group = i; owed = owed & ~ID(i); i = 0 }
  :: d_step { flushes > 0 -> flushes--; cause = 1; ep = 0; mid = 0; first = 0; last_direct = 0; gone_direct = 0; gone_group = 0;
       inbox = 0; group = 0; known = 0; settle = 0; at[0] = 0; at[1] = 0; lease[0] = 0; lease[1] = 0; owed = 0 }
  :: d_step { rollbacks > 0 && !snapped && ep != 0 -> snapped = 1; p_ep = ep; p_mid = mid; p_first = first; p_last_direct = last_direct;
       p_gone_direct = gone_direct; p_gone_group = gone_group; p_inbox = inbox; p_group = group; p_known = known;
       p_at[0] = at[0]; p_at[1] = at[1]; p_lease[0] = lease[0]; p_lease[1] = lease[1] }
  :: d_step { rollbacks > 0 && snapped -> rollbacks--; snapped = 0; cause = 1; ep = p_ep; mid = p_mid; first = p_first;
       last_direct = p_last_direct; gone_direct = p_gone_direct; gone_group = p_gone_group; inbox = p_inbox; group = p_group;
       known = p_known; at[0] = p_at[0]; at[1] = p_at[1]; lease[0] = p_lease[0]; lease[1] = p_lease[1]; owed = 0; runchg = 1;
       p_ep = 0; p_mid = 0; p_first = 0; p_last_direct = 0; p_gone_direct = 0; p_gone_group = 0; p_inbox = 0; p_group = 0;
       lost_link(0); lost_link(1) }
  :: timeout -> break
  od;
  assert(dead || (home != NOWHERE && client[home] == LIVE));   /* nobody waits for ever */
  assert(dead || (acked & ~got & ~excused) == 0)               /* no silent hole */
}
