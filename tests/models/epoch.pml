/* Model B: Redis loses all data (FLUSH) or jumps back to an older state (ROLLBACK) at any moment.
 * One user name, sessions 1..NS in order of login, two gateways with at most one socket each.
 * A call and its answer are one step (late commands are model A).  A gateway that is `part` cannot call.
 * Timing assumption: settling lasts until every gateway that can call has called (lease + renew interval).
 * Options: 1 = corrected rule, 0 = the text as it stands (or one reading of it).                    */
#ifndef F_BLIND        /* 1: an epoch opened by a caller that knows none settles too                  */
#define F_BLIND 1
#endif
#ifndef F_OLDCALLER    /* 1: a caller with an older epoch makes an unsettled first epoch settle (new epoch) */
#define F_OLDCALLER 1
#endif
#ifndef F_RANDEP       /* 1: an epoch has a name never used before; 0: max(stored, caller's) + 1      */
#define F_RANDEP 1
#endif
#ifndef F_RECSETTLE    /* 1: absent in a new epoch is recreated only while it settles, else closed    */
#define F_RECSETTLE 1
#endif
#ifndef F_LATER        /* 1: while settling, of two sessions of one name the later login wins         */
#define F_LATER 1
#endif
#ifndef F_LOGOUT503    /* 1: logouts answer 503 while settling                                        */
#define F_LOGOUT503 0        /* not needed with F_TOMB */
#endif
#ifndef F_NOEXP        /* 1: nobody is expired, no gateway lapses while settling                      */
#define F_NOEXP 1
#endif
#ifndef F_SENDFRESH    /* 1: a gateway's call that brings a higher id than stored opens an epoch      */
#define F_SENDFRESH 1
#endif
#ifndef F_TOMB       /* 1: an ended session leaves a tombstone; its re-attach is closed              */
#define F_TOMB 1
#endif
#ifndef F_SAMEID     /* 1: a higher id opens an epoch only if it comes from the SAME epoch           */
#define F_SAMEID 1
#endif
#ifndef F_SEND503    /* 1: messages are refused (unavailable) while settling                        */
#define F_SEND503 1
#endif
#ifndef F_RAISE      /* 1: while settling, every caller raises message:id to its own seen + K          */
#define F_RAISE 1
#endif
#ifndef F_SEENANS     /* 1: answers of renew and attach carry message:id, which counts as seen           */
#define F_SEENANS 1
#endif
#ifndef F_EARLY      /* 1: while settling, messages are taken as soon as every gateway is back         */
#define F_EARLY 1
#endif
#ifndef F_KEPT       /* 1: only when the data was kept (an older state: ROLLBACK), never after FLUSH   */
#define F_KEPT 1
#endif
#ifndef F_HERE       /* 1: every gateway in `gateways` must have attached everything in this epoch     */
#define F_HERE 1
#endif
#ifndef F_CALLERS    /* 1: `here` notes the epoch that the gateway's sessions are attached in; 0: the one in force */
#define F_CALLERS 1
#endif
#ifndef F_NOBODY     /* 1: while settling an unknown receiver is `unavailable`, not `no_such_user`     */
#define F_NOBODY 1
#endif
#ifndef FLUSHES
#define FLUSHES 1
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 0
#endif
#ifndef PARTS
#define PARTS 1
#endif
#ifndef LOGOUTS
#define LOGOUTS 1
#endif
#ifndef FRESH
#define FRESH 1
#endif
#ifndef MSGS
#define MSGS 2
#endif
#ifndef OPENS
#define OPENS 2
#endif
#ifndef NS
#define NS 2
#endif
#ifndef K
#define K 4                                    /* stands for 1,000,000 */
#endif
/* Redis */
byte ep, sess, mid; bool settle, blind, runchg; bool at[2];
bool reg[2]; byte here[2];                     /* in `gateways`; presence: here:<gateway> */
bool kept, open;                               /* presence: early, open */
/* snapshot of the lagging replica */
bool snapped; byte p_ep, p_sess, p_mid; bool p_settle, p_blind; bool p_at[2], p_reg[2], p_kept, p_open; byte p_here[2];
/* gateways */
byte e[2], sock[2], seen[2], kick[2]; bool part[2], late[2];
bool half[2];                                  /* attached everything, has not pruned yet */
bool known[2];                                 /* ghost: it registered, and neither lapsed nor was that lost in a rollback */
/* auth-svc */
byte ea;
/* ghosts */
byte ep0, made, cur, nextep = 1, maxacc; bool ended[NS+1], tomb[NS+1], p_tomb[NS+1]; bool settled;
byte flushes = FLUSHES, rollbacks = ROLLBACKS, parts = PARTS, logouts = LOGOUTS, fresh = FRESH, msgs = MSGS, opens = OPENS;

#define CHANGED(c,sn) (ep == 0 || runchg || (F_SENDFRESH && mid < sn && (c == ep || !F_SAMEID) && !(F_RAISE && settle)) || (F_OLDCALLER && blind && c != 0 && c != ep))
/* every call begins so; c = caller's epoch, sn = highest id it has seen */
inline enter(c, sn) {
  if
  :: CHANGED(c,sn) -> ep0 = ep;
       settle = (F_BLIND || c != 0 || ep != 0); blind = (c == 0 && ep == 0 && !F_BLIND);
       /* a true first start: nothing was ever lost, settling is only a delay */
       if :: F_RANDEP -> ep = nextep
          :: else -> if :: c > ep -> ep = c + 1 :: else -> ep = ep + 1 fi
       fi;
       kept = (ep0 != 0 && runchg); open = 0;
       nextep++; runchg = 0; settled = 0; late[0] = 0; late[1] = 0;
       if :: sn > mid -> mid = sn :: else fi; mid = mid + K
  :: !CHANGED(c,sn) && F_RAISE && c != ep && sn + K > mid -> mid = sn + K
  :: else
  fi
}
#define CANCALL(g) (!part[g])
#define INSYNC(g) (ep != 0 && !runchg && e[g] == ep && !CHANGED(e[g],seen[g]))

inline sync(g) {
  enter(e[g], seen[g]);
  if
  :: sock[g] == 0 -> at[g] = 0
  :: F_TOMB && sock[g] != 0 && sess != sock[g] && tomb[sock[g]] -> assert(sock[g] != cur || late[g]); sock[g] = 0; at[g] = 0
  :: sock[g] != 0 && sess == sock[g] -> at[g] = 1
  :: sock[g] != 0 && sess == 0 && !(F_TOMB && tomb[sock[g]]) ->
       if
       :: e[g] == ep || (F_RECSETTLE && !settle) ->
            assert(sock[g] != cur || late[g]);             /* a connected user comes back */
            sock[g] = 0; at[g] = 0
       :: else -> assert(!ended[sock[g]]);                 /* an ended session is never recreated */
            sess = sock[g]; at[g] = 1
       fi
  :: sock[g] != 0 && sess != 0 && sess != sock[g] && !(F_TOMB && tomb[sock[g]]) ->
       if
       :: F_LATER && settle && e[g] != ep && sock[g] > sess ->
            kick[1-g] = sess; sess = sock[g]; at[1-g] = 0; at[g] = 1; assert(!ended[sess])
       :: else -> assert(sock[g] != cur || late[g]); sock[g] = 0; at[g] = 0
       fi
  fi;
  reg[g] = 1; known[g] = 1; half[g] = 1;
  e[g] = ep; if :: F_SEENANS && mid > seen[g] -> seen[g] = mid :: else fi
}

/* A message for the user, taken by one gateway: does it find the user at the other one? */
#define REACHED(o) (part[o] || late[o] || !known[o] || sock[o] != sess || kick[o] == sess || (at[o] && e[o] == ep))
/* The user is connected somewhere, and that is no gateway which was out of reach all the time. */
#define IS_AT(g) (sock[g] == cur && !part[g] && !late[g])

proctype G(byte g) {
  do
  :: atomic { CANCALL(g) && !INSYNC(g) -> sync(g) }
  /* prune: everything is attached */
  :: atomic { CANCALL(g) && half[g] && ep != 0 && !runchg -> half[g] = 0; here[g] = (F_CALLERS -> e[g] : ep) }
  :: atomic { CANCALL(g) && INSYNC(g) && opens > 0 && sock[g] == 0 && sess != 0 -> opens--; sock[g] = sess; at[g] = 1;
       if :: F_SEENANS && mid > seen[g] -> seen[g] = mid :: else fi }
  :: atomic { CANCALL(g) && INSYNC(g) && sock[g] != 0 && sock[g] == sess && at[g] && msgs > 0 && !(F_SEND503 && settle && !open) ->
       msgs--; assert(REACHED(1-g)); mid++; assert(mid > maxacc); maxacc = mid; seen[g] = mid;
       if :: !part[1-g] && e[1-g] == ep -> seen[1-g] = mid :: skip fi }   /* ids never repeat */
  :: atomic { CANCALL(g) && kick[g] != 0 -> if :: sock[g] == kick[g] -> sock[g] = 0;
         if :: INSYNC(g) && sess == kick[g] -> at[g] = 0 :: else fi :: else fi; kick[g] = 0 }   /* closed by a kick: detached like any other */
  :: atomic { CANCALL(g) && INSYNC(g) && sock[g] != 0 && sock[g] != sess && kick[g] == 0 -> sock[g] = 0 }
  /* somebody else here writes to the user, whom Redis does not know */
  :: atomic { CANCALL(g) && INSYNC(g) && sess == 0 && msgs > 0 && !(F_SEND503 && settle && !open) ->
       msgs--; if :: F_NOBODY && settle -> skip :: else -> assert(cur == 0 || !(IS_AT(0) || IS_AT(1))) fi }
  :: atomic { parts > 0 && !part[g] -> parts--; part[g] = 1 }
  :: atomic { part[g] -> part[g] = 0; kick[g] = 0; e[g] = e[g];
       /* a new connection: re-attach at once, the kick may have been lost */
       if :: INSYNC(g) -> sync(g) :: else fi }
  od
}

proctype World() {
  do
  /* auth-svc */
  :: atomic { made < NS && (ep == 0 || sess == 0 || ea != ep || runchg) ->
       enter(ea, 0); ea = ep;
       if
       :: !settle && sess == 0 ->
            assert(settled || cur == 0 || (sock[0] != cur && sock[1] != cur));   /* no stranger takes the name */
            if :: cur != 0 -> ended[cur] = 1 :: else fi;
            made++; sess = made; cur = made; maxacc = 0;   /* ids are compared within one session */
            at[0] = 0; at[1] = 0
       :: else
       fi }
  :: atomic { sess != 0 && logouts > 0 && ep != 0 && !runchg && ea == ep && !(F_LOGOUT503 && settle) ->
       logouts--; ended[sess] = 1; tomb[sess] = 1; if :: cur == sess -> cur = 0 :: else fi;
       if :: at[0] && !part[0] -> kick[0] = sess :: else fi; if :: at[1] && !part[1] -> kick[1] = sess :: else fi;
       at[0] = 0; at[1] = 0; sess = 0 }
  :: atomic { fresh > 0 -> fresh--; ea = 0 }                                    /* auth-svc restarts */
  :: atomic { fresh > 0 && CHANGED(0,0) -> fresh--; enter(0, 0) }               /* some fresh service calls first */
  /* messages are taken before it ends (sweep) */
  :: atomic { F_EARLY && settle && !open && ep != 0 && !runchg && (kept || !F_KEPT) &&
              (!F_HERE || ((!reg[0] || here[0] == ep) && (!reg[1] || here[1] == ep))) -> open = 1 }
  /* settling ends: every gateway that can call has called */
  :: atomic { settle && ep != 0 && !runchg && (part[0] || INSYNC(0)) && (part[1] || INSYNC(1)) ->
       settle = 0; settled = 1; late[0] = part[0] || late[0]; late[1] = part[1] || late[1] }
  /* sweep: a gateway that cannot call lapses; a user without attachment is expired after the grace */
  :: atomic { ep != 0 && !runchg && !(F_NOEXP && settle) && (part[0] && at[0]) -> at[0] = 0; late[0] = 1; reg[0] = 0; known[0] = 0 }
  :: atomic { ep != 0 && !runchg && !(F_NOEXP && settle) && (part[1] && at[1]) -> at[1] = 0; late[1] = 1; reg[1] = 0; known[1] = 0 }
  :: atomic { ep != 0 && !runchg && !(F_NOEXP && settle) && sess != 0 && !at[0] && !at[1] ->
       assert(!(sess == cur && ((sock[0] == cur && !part[0] && !late[0]) || (sock[1] == cur && !part[1] && !late[1]))));  /* no leave for the connected */
       ended[sess] = 1; tomb[sess] = 1; if :: cur == sess -> cur = 0 :: else fi; sess = 0 }
  /* losses; what Redis alone knew about ended sessions is lost with it (exempt: `ended` forgotten
     for a session that a gateway still holds because it never heard the kick) */
  :: atomic { flushes > 0 -> flushes--; reg[0] = 0; reg[1] = 0; here[0] = 0; here[1] = 0; kept = 0; open = 0; ep = 0; sess = 0; mid = 0; settle = 0; blind = 0; runchg = 0; at[0] = 0; at[1] = 0; settled = 0; tomb[1] = 0; tomb[2] = 0; tomb[NS] = 0;
       ended[sock[0]] = 0; ended[sock[1]] = 0 }
  :: atomic { rollbacks > 0 && !snapped -> snapped = 1; p_reg[0] = reg[0]; p_reg[1] = reg[1]; p_here[0] = here[0]; p_here[1] = here[1]; p_kept = kept; p_open = open; p_ep = ep; p_sess = sess; p_mid = mid; p_settle = settle; p_blind = blind; p_at[0] = at[0]; p_at[1] = at[1]; p_tomb[1] = tomb[1]; p_tomb[2] = tomb[2]; p_tomb[NS] = tomb[NS] }
  :: atomic { rollbacks > 0 && snapped -> rollbacks--; snapped = 0;
       known[0] = known[0] && p_reg[0]; known[1] = known[1] && p_reg[1];
       reg[0] = p_reg[0]; reg[1] = p_reg[1]; here[0] = p_here[0]; here[1] = p_here[1]; kept = p_kept; open = p_open;
       p_reg[0] = 0; p_reg[1] = 0; p_here[0] = 0; p_here[1] = 0; p_kept = 0; p_open = 0;
       ep = p_ep; sess = p_sess; mid = p_mid; settle = p_settle; blind = p_blind;
       at[0] = p_at[0]; at[1] = p_at[1]; runchg = 1; settled = 0; tomb[1] = p_tomb[1]; tomb[2] = p_tomb[2]; tomb[NS] = p_tomb[NS];
       ended[1] = ended[1] && tomb[1]; ended[2] = ended[2] && tomb[2]; ended[NS] = ended[NS] && tomb[NS];
       p_ep = 0; p_sess = 0; p_mid = 0; p_settle = 0; p_blind = 0; p_at[0] = 0; p_at[1] = 0 }
  od
}

init {
  atomic { run G(0); run G(1); run World() }
  timeout -> d_step {
    assert(sock[0] == 0 || sock[0] == sess); assert(sock[1] == 0 || sock[1] == sess);
    assert(at[0] == (sock[0] != 0)); assert(at[1] == (sock[1] != 0));
    assert(cur == 0 || sess == cur || (sock[0] != cur && sock[1] != cur))
  }
}
