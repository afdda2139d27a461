/*
 * The gate in front of a model server that runs one request at a time, for the Spin model checker.
 * docs/gate.md says what is checked and how to run it.
 *
 * Two people and one background worker ask again and again. People may cancel while they wait and while their
 * request runs; a person who arrives aborts the running background request, at most MAXPRE times for each. An aborted
 * request leaves the server busy until it has drained. Time is not modelled: `aged` becomes true at some moment
 * of the background request's life, and who arrives after that moment stands behind it and does not abort it.
 * A speculative client takes the slot only while it is free. Any request that then has to wait aborts it, unless it
 * was adopted before.
 *
 * Faults, to see the properties fail: -DEARLY (an abort frees the slot at once), -DLOST (a drained slot is not
 * handed on), -DNOAGE (aging never takes effect), -DKEEP (a speculative request keeps its slot while others wait).
 */
#define PEOPLE 2
#define BG     2            /* index of the background worker; people are 0 and 1 */
#define SPEC   3            /* index of the speculative client: it never waits */
#define N      4
#define MAXPRE 2

mtype = { none, waits, holds, drains };

mtype state[N] = none;
bool behind[N];             /* a person who arrived after the background request had aged */
bool server[N];             /* the server is busy with a request of this client */
bool aged;
bool back;                  /* a preempted request that has not asked again yet */
byte preemptions;
bool adopted;               /* the speculative request is an ordinary one */
bool taken;                 /* the slot */
byte turn;                  /* people in order of arrival: who came first */

#define busy (server[0] + server[1] + server[2] + server[3])
#define someone (state[0] == waits || state[1] == waits || state[2] == waits)

/* Whose turn it is, by Q1 and Q2; N for nobody. One person: that one; two: the one that came first. */
inline next(who) {
  who = N;
  if
  :: state[0] == waits && state[1] == waits -> who = turn
  :: state[0] == waits && state[1] != waits -> who = 0
  :: state[0] != waits && state[1] == waits -> who = 1
  :: else -> skip
  fi;
  if
  :: state[BG] == waits && who == N -> who = BG
  :: state[BG] == waits && who != N ->
#ifndef NOAGE
     if
     :: behind[who] -> who = BG
     :: else -> skip
     fi
#else
     skip
#endif
  :: else -> skip
  fi
}

inline handOff() {
  byte chosen;
  if
  :: !taken ->
     next(chosen);
     if
     :: chosen < N ->
        taken = true; state[chosen] = holds; server[chosen] = true;
        if
        :: chosen < BG -> behind[chosen] = false
        :: else -> skip
        fi
     :: else -> skip
     fi
  :: else -> skip
  fi;
  chosen = 0
}

inline abort(who) {
  state[who] = drains;
#ifdef EARLY
  taken = false;
  handOff()
#endif
}

/* A request that has to wait takes the slot of a speculative one. */
inline abortSpeculative() {
#ifndef KEEP
  if
  :: state[SPEC] == holds && !adopted -> abort(SPEC)
  :: else -> skip
  fi
#else
  skip
#endif
}

proctype Person(byte me) {
  do
  :: atomic { state[me] == none ->                       /* ask */
       state[me] = waits;
       behind[me] = (state[BG] == waits && aged);
       if
       :: state[1 - me] == waits -> turn = 1 - me
       :: else -> turn = me
       fi;
       handOff();
       if
       :: state[me] == waits -> abortSpeculative()
       :: else -> skip
       fi;
       if
       :: state[me] == waits && state[BG] == holds && preemptions < MAXPRE && !aged ->
          back = true; preemptions++; abort(BG)
       :: else -> skip
       fi }
  :: atomic { state[me] == holds -> server[me] = false; state[me] = none; taken = false; handOff() }   /* ended */
  :: atomic { state[me] == holds -> abort(me) }          /* cancelled while it runs */
  :: atomic { state[me] == waits -> state[me] = none; behind[me] = false }   /* cancelled while it waits */
  :: atomic { state[me] == drains ->                     /* drained */
       server[me] = false; state[me] = none;
#ifdef EARLY
       skip
#else
       taken = false;
#ifndef LOST
       handOff()
#endif
#endif
     }
  od
}

proctype Background() {
  do
  :: atomic { state[BG] == none ->                       /* ask */
       state[BG] = waits; preemptions = 0; handOff();
       if
       :: state[BG] == waits -> abortSpeculative()
       :: else -> skip
       fi }
  :: atomic { state[BG] == holds ->                      /* ended */
       server[BG] = false; state[BG] = none; taken = false;
       aged = false; behind[0] = false; behind[1] = false;
       handOff() }
  :: atomic { state[BG] == drains ->                     /* drained: asks again at its old place */
       server[BG] = false;
#ifndef EARLY
       taken = false;
#endif
       if
       :: back -> back = false; state[BG] = waits
       :: else -> state[BG] = none
       fi;
#ifndef LOST
       handOff()
#endif
     }
  od
}

proctype Speculative() {
  do
  :: atomic { state[SPEC] == none && !taken ->           /* ask */
       state[SPEC] = holds; server[SPEC] = true; taken = true; adopted = false }
  :: atomic { state[SPEC] == holds && !adopted -> adopted = true }
  :: atomic { state[SPEC] == holds ->                    /* ended */
       server[SPEC] = false; state[SPEC] = none; taken = false; handOff() }
  :: atomic { state[SPEC] == holds -> abort(SPEC) }      /* discarded */
  :: atomic { state[SPEC] == drains ->                   /* drained */
       server[SPEC] = false; state[SPEC] = none;
#ifdef EARLY
       skip
#else
       taken = false;
#ifndef LOST
       handOff()
#endif
#endif
     }
  od
}

/* The clock: the background request comes of age. */
proctype Clock() {
  do
  :: atomic { state[BG] != none && !aged -> aged = true }
  od
}

init {
  atomic { run Person(0); run Person(1); run Background(); run Speculative(); run Clock() }
}

ltl safe { [] (busy <= 1) }
ltl wake { [] !(!taken && someone) }
ltl gives { [] !(state[SPEC] == holds && !adopted && someone) }
ltl live { [] (state[BG] == waits -> <> (state[BG] == holds)) }
ltl ends { [] (state[BG] == waits -> <> (state[BG] == none)) }
