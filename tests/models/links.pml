/* Model A: attachments, links, leases, sweep, sessions of ONE user name.
 *
 * Redis functions are atomic, so every function is one atomic step.  Sweepers are stateless: any
 * number of them equals one that may act at any time, so they are steps of the Redis process here.
 * Time is abstract: a lease may lapse at any moment (budget LAPSES), a grace period may end at any
 * moment after it began.  All faults have budgets; when they are used up and nothing can move any
 * more (Spin's `timeout`), the final state must be right: this covers "eventually once faults stop".
 *
 * Options (1 = corrected rule, 0 = the text as it stands):                                        */
#ifndef F_NEWLINK      /* 1: a lapsed gateway comes back only on a NEW connection (new number)       */
#define F_NEWLINK 1    /* 0: renew on the same connection brings it back (answer NEW, same number)  */
#endif
#ifndef F_FENCE        /* attach/detach of a gateway that is not in `gateways` is refused           */
#define F_FENCE 1
#endif
#ifndef F_PRUNE        /* 1: after re-attaching, every at: of mine with an OLDER number is removed   */
#define F_PRUNE 1      /* 0: users in gateway:<id>:users that I hold no socket of are detached       */
#endif
#ifndef F_LAPKEEP      /* a second lapse does not overwrite lapsed:<id> of the first                 */
#define F_LAPKEEP 1
#endif
#ifndef F_HOLE         /* a hole in to:<gateway> (perhaps a kick) re-attaches all local sessions     */
#define F_HOLE 1
#endif
#ifndef F_DSESS        /* detach names the session; detach is sent per session                       */
#define F_DSESS 1
#endif
#ifndef F_KICKPEND     /* a kick also closes sockets whose attach is still unanswered                */
#define F_KICKPEND 1
#endif
#ifndef F_NEQ          /* 1: any number but the current is refused; 0: only lower ones               */
#define F_NEQ 1
#endif
#ifndef F_RECONN       /* a gateway whose command is refused for its link number reconnects          */
#define F_RECONN 1
#endif
#ifndef F_DELIVER      /* a message names the session; only that session's sockets get it            */
#define F_DELIVER 1
#endif
#ifndef F_LOGOUTSREM   /* logout takes the user out of gateway:<id>:users as well                    */
#define F_LOGOUTSREM 1
#endif
#ifndef F_ONECOUNTER      /* numbers of links come from one counter for all gateways; 0: each gateway has its own */
#define F_ONECOUNTER 1
#endif
#ifndef F_FORGET         /* 1: a lapsed gateway's number is forgotten when its list is drained */
#define F_FORGET 1
#endif
/* sizes and fault budgets */
#ifndef NG
#define NG 2
#endif
#ifndef OPENS
#define OPENS 2
#endif
#ifndef CLOSES
#define CLOSES 1
#endif
#ifndef BREAKS
#define BREAKS 1
#endif
#ifndef LAPSES
#define LAPSES 1
#endif
#ifndef PAUSES
#define PAUSES 1
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef LOGOUTS
#define LOGOUTS 1
#endif
#ifndef NS
#define NS 2           /* sessions 1..NS may ever be made */
#endif
#ifndef MSGS
#define MSGS 0
#endif
#ifndef KILLS            /* a gateway dies for good (kill -9); its lease then lapses for certain */
#define KILLS 0
#endif

mtype = { REN, ATT, DET, PRUNE, KICK, MSG };
#define OK 0
#define GONE 1         /* no such session, or a record of another session */
#define LOWER 2        /* refused for the link number */
#define FENCED 3       /* gateway not in `gateways` */
#define NONE 0
#define PEND 1
#define ATTD 2
#define DOWN 0
#define RENEWING 1
#define UP 2
#define DEAD 3

/* ---- Redis ---- */
byte sess;             /* session in user:<name>, 0 = none */
bool online, dl, due;  /* in `online`; in `deadlines`; its deadline has passed */
byte at[NG];           /* at:<g> = link number, 0 = no field */
byte lnk[NG];          /* last link number handed out to g */
bool gws[NG];          /* g in `gateways` */
bool gus[NG];          /* user in gateway:<g>:users */
bool lap[NG]; byte lapl[NG];   /* user in lapsed:<g>, and the link number it was made at */
byte counter;          /* of links, for all gateways */
byte made;             /* sessions made so far */
/* ---- gateways ---- */
byte st[NG]; byte glink[NG]; bool paused[NG]; bool hole[NG]; bool rout[NG];
typedef SK { byte s[3]; byte out[3] }
SK sk[NG];
chan cq[NG] = [4] of { mtype, byte, byte };   /* commands on the current connection */
chan rq[NG] = [8] of { mtype, byte, byte };   /* answers */
chan oq[NG] = [4] of { mtype, byte, byte };   /* commands still in flight on broken connections */
chan kq[NG] = [3] of { mtype, byte };         /* pub/sub channel to:<g> */
/* ---- budgets ---- */
byte opens = OPENS, closes = CLOSES, breaks = BREAKS, lapses = LAPSES, pauses = PAUSES,
     losses = LOSSES, logouts = LOGOUTS, msgs = MSGS, kills = KILLS;
bool shown;            /* what the published joins and leaves add up to */

#if NG == 1
#define NOAT (at[0] == 0)
#define LIVE0(x) (sess != 0 && !paused[x] && st[x] == UP && gws[x] && glink[x] == lnk[x] && !rout[x] && sk[x].s[sess] == ATTD)
#define ANYLIVE LIVE0(0)
#else
#define NOAT (at[0] == 0 && at[1] == 0)
#define LIVE0(x) (sess != 0 && !paused[x] && st[x] == UP && gws[x] && glink[x] == lnk[x] && !rout[x] && sk[x].s[sess] == ATTD)
#define ANYLIVE (LIVE0(0) || LIVE0(1))
#endif

inline join()  { if :: !online -> assert(!shown); online = 1; shown = 1 :: else fi }
inline leave() { if :: online -> assert(shown); online = 0; shown = 0 :: else fi }
inline startgrace() { if :: NOAT && online -> dl = 1; due = 0 :: else fi }

#if F_NEQ
#define BADLINK(g,l) (l != lnk[g])
#else
#define BADLINK(g,l) (l < lnk[g])
#endif

#define RENOK(g,l) (l == 0 || (!BADLINK(g, l) && (gws[g] || !F_NEWLINK)))

/* one command of gateway g, executed by Redis; res/val = answer */
inline execute(g, op, s, l) {
  res = OK; val = s;
  if
  :: op == REN && RENOK(g, l) ->
       /* l == 0: first command of a new connection; else the periodic renew */
       res = 0;
       if :: !gws[g] -> res = 2 :: else fi;          /* NEW: the lease had been swept */
       if
       :: l == 0 && F_ONECOUNTER -> counter++; lnk[g] = counter
       :: l == 0 && !F_ONECOUNTER -> lnk[g]++
       :: else
       fi;
       gws[g] = 1; val = lnk[g];
       if :: gus[g] -> res = res + 1 :: else fi     /* bit 0: user is in gateway:<g>:users */
  :: op == REN && !RENOK(g, l) -> val = 0; res = LOWER + 4
  :: op != REN && BADLINK(g, l) -> res = LOWER
  :: op != REN && !BADLINK(g, l) && F_FENCE && !gws[g] -> res = FENCED
  :: op == ATT && !BADLINK(g, l) && !(F_FENCE && !gws[g]) ->
       if
       :: sess != s -> res = GONE
       :: else -> at[g] = l; gus[g] = 1; dl = 0; due = 0; join()
       fi
  :: op == DET && !BADLINK(g, l) && !(F_FENCE && !gws[g]) ->
       if
       :: s != 0 && F_DSESS && s != sess -> skip    /* of another session: nothing */
       :: else -> gus[g] = 0; if :: at[g] -> at[g] = 0; startgrace() :: else fi
       fi
  :: op == PRUNE && !BADLINK(g, l) && !(F_FENCE && !gws[g]) ->
       if :: gus[g] && at[g] && at[g] < l -> at[g] = 0; gus[g] = 0; startgrace() :: else fi
  fi
}

inline reset_scratch() { op = 0; s = 0; l = 0; res = 0; val = 0 }

/* one per gateway only so that every choice is free; the steps of all users are in number 0 */
proctype Redis(byte g) {
  mtype op; byte s, l, res, val;
  do
  :: atomic {
     if
     :: nempty(cq[g]) && nfull(rq[g]) -> cq[g]?op,s,l; execute(g, op, s, l);
          if :: op == DET || op == PRUNE -> (skip) :: else -> rq[g]!op,val,res fi
     /* a broken connection: its commands still execute, late, or are lost */
     :: nempty(oq[g]) -> oq[g]?op,s,l;
          if
          :: (op == ATT || op == DET || op == PRUNE) && l < lnk[g] ->
               val = at[g]; res = dl + 2*online + 4*sess;
               { byte v0 = val, r0 = res; execute(g, op, s, l);
                 assert(at[g] == v0 && r0 == dl + 2*online + 4*sess) }       /* property 5 */
          :: else -> execute(g, op, s, l)
          fi
     :: nempty(oq[g]) -> oq[g]?op,s,l                       /* lost */
     /* sweeper 1: a lapsed gateway */
     :: gws[g] && (lapses > 0 || st[g] == DEAD) -> if :: st[g] != DEAD -> lapses-- :: else fi; gws[g] = 0;
          if
          :: F_LAPKEEP -> if :: gus[g] -> lap[g] = 1; lapl[g] = lnk[g] :: else fi
          :: else -> lap[g] = gus[g]; lapl[g] = lnk[g]     /* RENAME overwrites (other users exist) */
          fi; gus[g] = 0
     /* sweeper 2: draining lapsed:<g> */
     :: lap[g] -> lap[g] = 0;
          if :: at[g] && at[g] <= lapl[g] -> at[g] = 0; startgrace() :: else fi;
          lapl[g] = 0;
          if :: F_FORGET && !gws[g] -> lnk[g] = 0 :: else fi
     /* sweeper 3: a due user */
     :: dl && due && g == 0 ->
          if
          :: NOAT -> if :: online -> assert(!ANYLIVE) :: else fi;            /* property 3 */
               leave(); sess = 0
          :: else
          fi; dl = 0; due = 0
     :: dl && !due && g == 0 -> due = 1
     /* auth */
     :: sess == 0 && made < NS && g == 0 -> made++; sess = made; dl = 1; due = 0
     :: sess != 0 && logouts > 0 && g == 0 && nfull(kq[0]) && nfull(kq[NG-1]) -> logouts--;
          l = 0;
          do
          :: l < NG ->
             if
             :: at[l] && st[l] == UP -> kq[l]!KICK,sess
             :: at[l] && st[l] == RENEWING -> if :: kq[l]!KICK,sess :: skip fi
             :: else
             fi;
             at[l] = 0; if :: F_LOGOUTSREM -> gus[l] = 0 :: else fi; l++
          :: else -> break
          od;
          leave(); sess = 0; dl = 0; due = 0
     /* a message to the user */
     :: sess != 0 && msgs > 0 && at[g] && st[g] == UP && nfull(kq[g]) -> msgs--; kq[g]!MSG,sess
     fi; reset_scratch() }
  od
}

/* gateway g re-attaches everything local on link glink */
inline reattach(g) {
  i = 1;
  do
  :: i <= NS -> if :: sk[g].s[i] != NONE -> sk[g].s[i] = PEND; sk[g].out[i]++; cq[g]!ATT,i,glink[g] :: else fi; i++
  :: else -> break
  od; i = 0
}
#define HELD(g) (sk[g].s[1] != NONE || sk[g].s[2] != NONE)
#define OTHER(g,i) (sk[g].s[3-i] != NONE)
#define ROOM(g) (len(cq[g]) <= 1)

inline drop(g) {        /* the connection is gone: commands in flight may execute late, answers and pub/sub are lost */
  do :: nempty(cq[g]) -> cq[g]?op,a,b; if :: nfull(oq[g]) -> oq[g]!op,a,b :: else fi :: else -> break od;
  do :: nempty(rq[g]) -> rq[g]?op,a,b :: else -> break od;
  do :: nempty(kq[g]) -> kq[g]?op,a :: else -> break od;
  st[g] = DOWN; hole[g] = 0; rout[g] = 0; sk[g].out[1] = 0; sk[g].out[2] = 0;
  if :: sk[g].s[1] == ATTD -> sk[g].s[1] = PEND :: else fi;
  if :: sk[g].s[2] == ATTD -> sk[g].s[2] = PEND :: else fi
}

proctype Gateway(byte g) {
  mtype op; byte a, b, i;
  do
  /* a new connection begins with renew (subscription proven before the answer is used) */
  :: atomic { !paused[g] && st[g] == DOWN -> cq[g]!REN,0,0; rout[g] = 1; st[g] = RENEWING }
  /* periodic renew: only when it would tell something new (bounds the model) */
  :: atomic { !paused[g] && st[g] == UP && !rout[g] && ROOM(g) && (!gws[g] || lnk[g] != glink[g]) ->
       cq[g]!REN,0,glink[g]; rout[g] = 1 }
  /* answers */
  :: atomic { !paused[g] && nempty(rq[g]) && ROOM(g) -> rq[g]?op,a,b;
       if
       :: op == REN -> rout[g] = 0;
            if
            :: b >= 4 -> if :: F_RECONN -> drop(g) :: else fi
            :: b < 4 && (st[g] == RENEWING || b >= 2) ->      /* new link, or NEW: re-attach all */
                 glink[g] = a; st[g] = UP; 
                 if
                 :: F_PRUNE -> reattach(g); cq[g]!PRUNE,0,glink[g]
                 :: else -> if :: (b & 1) && !HELD(g) -> cq[g]!DET,0,glink[g] :: else fi; reattach(g)
                 fi
            :: else
            fi
       :: op == ATT -> sk[g].out[a]--;
            if
            :: b == LOWER && F_RECONN -> drop(g)
            :: b == LOWER && !F_RECONN -> skip
            :: b == FENCED && F_NEWLINK -> drop(g)
            :: b == FENCED && !F_NEWLINK -> skip              /* renew, answered NEW, repairs it */
            :: b == OK -> if :: sk[g].out[a] == 0 && sk[g].s[a] == PEND -> sk[g].s[a] = ATTD :: else fi
            :: b == GONE -> sk[g].s[a] = NONE                 /* close */
            fi
       fi; op = 0; a = 0; b = 0 }
  /* clients: open a socket with the token of any session ever made; close one */
  :: atomic { !paused[g] && st[g] == UP && opens > 0 && ROOM(g) &&
              ((made >= 1 && sk[g].s[1] == NONE) || (made >= 2 && sk[g].s[2] == NONE)) ->
       if :: made >= 1 && sk[g].s[1] == NONE -> i = 1 :: made >= 2 && sk[g].s[2] == NONE -> i = 2 fi;
       opens--; sk[g].s[i] = PEND; sk[g].out[i]++; cq[g]!ATT,i,glink[g]; i = 0 }
  :: atomic { !paused[g] && closes > 0 && HELD(g) && ROOM(g) ->
       if :: sk[g].s[1] != NONE -> i = 1 :: sk[g].s[2] != NONE -> i = 2 fi;
       closes--; sk[g].s[i] = NONE;
       if
       :: st[g] == UP && (F_DSESS || !OTHER(g,i)) -> cq[g]!DET,i,glink[g]
       :: else
       fi; i = 0 }
  /* pub/sub */
  :: atomic { !paused[g] && nempty(kq[g]) -> kq[g]?op,a;
       if
       :: op == KICK -> if :: sk[g].s[a] == ATTD || (F_KICKPEND && sk[g].s[a] == PEND) -> sk[g].s[a] = NONE :: else fi
       :: op == MSG && !hole[g] -> i = 1;
            do
            :: i <= NS -> if :: sk[g].s[i] == ATTD && !(F_DELIVER && i != a) -> assert(i == a) :: else fi; i++
            :: else -> break
            od
       :: else
       fi; op = 0; a = 0; i = 0 }
  :: atomic { losses > 0 && nempty(kq[g]) && st[g] == UP -> losses--; kq[g]?op,a; hole[g] = 1; op = 0; a = 0 }
  :: atomic { !paused[g] && hole[g] && st[g] == UP && ROOM(g) -> hole[g] = 0;
       if :: F_HOLE -> reattach(g) :: else fi }
  /* faults */
  :: atomic { kills > 0 && st[g] != DEAD -> kills--; drop(g); st[g] = DEAD; paused[g] = 0; glink[g] = 0;
       sk[g].s[1] = NONE; sk[g].s[2] = NONE; op = 0; a = 0; b = 0 }
  :: atomic { breaks > 0 && st[g] != DOWN && st[g] != DEAD -> breaks--; drop(g); op = 0; a = 0; b = 0 }
  :: atomic { pauses > 0 && !paused[g] && st[g] != DEAD -> pauses--; paused[g] = 1 }
  :: paused[g] -> paused[g] = 0
  od
}

#define FINAL(g) \
  assert(!(sk[g].s[1] != NONE && sess != 1));                 /* property 4 */ \
  assert(!(sk[g].s[2] != NONE && sess != 2)); \
  assert(sess == 0 || sk[g].s[sess] == NONE || (sk[g].s[sess] == ATTD && online && shown && at[g] && gws[g] && gus[g])); /* 1 */ \
  assert(at[g] == 0 || (sess != 0 && sk[g].s[sess] == ATTD && gus[g]))   /* property 2: no ghost */

init {
  byte k;
  atomic {
    k = 0;
    do :: k < NG -> run Redis(k); run Gateway(k); k++ :: else -> break od; k = 0
  }
  timeout ->
  d_step {
    FINAL(0);
#if NG > 1
    FINAL(1);
#endif
    assert(!NOAT || (!online && !shown && sess == 0))         /* property 2 */
  }
}
