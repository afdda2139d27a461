/*
 * The one slot of a model server that two workers share, for the Spin model checker: permits that expire, an arbiter that is
 * replaced, and messages that are lost. docs/gate.md says what is checked and how to run it.
 *
 * Arbiter 0 is replaced by arbiter 1 at any moment. Either it goes on for STALE ticks, until it is mute; or it has been mute
 * for SILENT ticks, which arbiter 1 has seen. A holder stops PERMIT ticks after its last confirmed beat; an arbiter frees its
 * slot FREE ticks after the last beat that it received; arbiter 1 grants nothing until PERMIT ticks after arbiter 0 is mute, and
 * gives its slot to the request that runs.
 *
 * Faults, to see the property fail: -DNOEXPIRY, -DEARLYFREE, -DNOQUIET, -DNOADOPT, -DLONGSTALE, -DNOLASTWORDS.
 */
#define PERMIT 3
#define NONE   2
#ifdef EARLYFREE
#define FREE 1
#else
#define FREE 4
#endif
#define SILENT 2
/* One tick more: the first one may come at once. */
#ifdef NOQUIET
#define QUIET(muteAfter) 0
#else
#define QUIET(muteAfter) (PERMIT + 1 + muteAfter)
#endif
#define STALE 1
#ifdef LONGSTALE
#define GOESON 6
#else
#define GOESON STALE
#endif
/* The replaced arbiter is taken for mute. */
#ifdef NOLASTWORDS
#define LASTWORDS (-SILENT)
#else
#define LASTWORDS STALE
#endif

bool runs[2];               /* the request of this worker is at the model server */
byte left[2];               /* ticks until its permit ends */
byte epoch[2];              /* the highest that the worker knows */
bool live[2];               /* arbiters */
byte slot[2] = NONE;
byte seen[2];               /* ticks until the arbiter frees its slot */
byte quiet;
byte stale;
byte silent;

inline expire(i) {
  if
  :: runs[i] && left[i] > 0 -> left[i]--
  :: else -> skip
  fi;
#ifndef NOEXPIRY
  if
  :: runs[i] && left[i] == 0 -> runs[i] = false
  :: else -> skip
  fi
#endif
}

inline free(a) {
  if
  :: slot[a] != NONE && seen[a] > 0 -> seen[a]--
  :: else -> skip
  fi;
  if
  :: slot[a] != NONE && seen[a] == 0 -> slot[a] = NONE
  :: else -> skip
  fi
}

proctype Clock() {
  do
  :: atomic {
       expire(0); expire(1); free(0); free(1);
       if
       :: quiet > 0 -> quiet--
       :: else -> skip
       fi;
       if
       :: live[1] && live[0] && stale > 0 -> stale--
       :: live[1] && live[0] && stale == 0 -> live[0] = false
       :: else -> skip
       fi;
       if
       :: silent > 0 -> silent--
       :: else -> skip
       fi }
  od
}

proctype Worker(byte me) {
  byte a;
again:
  do
  :: atomic { live[0] && epoch[me] == 0 -> a = 0; goto meet }
  :: atomic { live[1] -> a = 1; goto meet }
  :: atomic { runs[me] -> runs[me] = false }             /* ended: the message is lost */
  :: atomic { runs[me] && live[epoch[me]] && slot[epoch[me]] == me ->
       runs[me] = false; slot[epoch[me]] = NONE }        /* ended: the arbiter knows */
  od;
meet:
  atomic {
    if
    :: a > epoch[me] -> epoch[me] = a
    :: else -> skip
    fi;
    if
    :: !live[a] || a < epoch[me] -> skip                 /* meanwhile it was replaced */
    :: else ->
    if
    :: runs[me] && slot[a] == me ->                      /* a beat; its confirmation may be lost */
         seen[a] = FREE;
         if
         :: left[me] = PERMIT
         :: skip
         fi
    :: runs[me] && slot[a] != me ->
#ifndef NOADOPT
         if
         :: quiet > 0 && slot[a] == NONE -> slot[a] = me; seen[a] = FREE; left[me] = PERMIT
         :: else -> runs[me] = false                     /* no slot belongs to it */
         fi
#else
         left[me] = PERMIT                               /* confirmed, but its slot is not taken */
#endif
    :: !runs[me] && slot[a] == NONE && (a == 0 || quiet == 0) ->
         slot[a] = me; seen[a] = FREE; runs[me] = true; left[me] = PERMIT
    :: else -> skip
    fi
    fi;
    a = 0
  };
  goto again
}

proctype Takeover() {
  if
  :: atomic { live[1] = true; quiet = QUIET(LASTWORDS); stale = GOESON }
  :: atomic { live[0] = false; silent = SILENT };
     atomic { silent == 0 -> live[1] = true; quiet = QUIET(-SILENT) }
  fi
}

init {
  atomic { live[0] = true; run Clock(); run Worker(0); run Worker(1); run Takeover() }
}

ltl safe { [] (!(runs[0] && runs[1])) }
