/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How one slot changes hands (doc/state.md): views, claims, re-assertion, the right to serve, the store's guard. README
 * says what is left out and how it is run. Two nodes, each a home of clients and a possible owner of the slot (a third one
 * that makes the majority stays outside: what it is for is in the lease); two clients, each with a persistent open of one file; they lock and unlock the same bytes, lose their connection, and
 * reclaim their opens elsewhere. Nodes die and come back, lose their right to serve and get it again, messages get lost.
 *
 * -DMAXV=n views, -DKILLS=n deaths, -DSTALLS=n times that a right to serve runs out, -DLOSSES=n lost messages, -DOPS=n
 * operations of each client (OPS1: of the second). Each of NO_EPOCH_GUARD, NO_LEASE, LOST_REASSERT, NO_DONE_WAIT and
 * EARLY_TELL leaves one rule out, and is to be found out.
 */
#ifndef MAXV
#define MAXV 3
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef STALLS
#define STALLS 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef OPS1
#define OPS1 OPS
#endif
#define MAX_OPS(k) (k == 0 -> OPS : OPS1)

#define N 2
#define NOWHERE 2
#define HAS(set, n) (((set) >> (n)) & 1)

/* A record: the open, with its lock; the open; no open any more. */
#define R_LOCKED 2
#define R_OPEN 1
#define R_GONE 0

mtype = { REASSERT, DONE, ACK, LOCK, UNLOCK, RECLAIM, DISCONNECT, REPLY };

/* --- the store --- */
byte s_epoch = 1;
byte s_rec[2] = R_OPEN;

/* --- views, all that were published --- */
byte views = 1;
byte mem[MAXV + 1];   /* the members of each */
byte fresh[MAXV + 1]; /* those that are another run than in the view before */

/* --- nodes --- */
byte vw[N] = 1;     /* the view that it has */
bit alive[N] = 1;
bit right[N] = 1;   /* it may serve */
bit newrun[N];      /* this run is in no view yet */
/* as owner */
mtype = { P_NOT, P_ASSERT, P_SERVE };
mtype phase[N] = P_NOT;
byte since[N];      /* the view that made it the owner */
byte rec[4];        /* [n * 2 + k] what it knows of an open */
bit away[4];        /* the open is disconnected */
byte home[4];       /* where it is held */
bit named[4];       /* a home has re-asserted it */
byte done[N];       /* homes that have named all */
byte in_round[4], in_count[4]; /* [n * 2 + from] */
/* as home */
byte moved[N] = 1;  /* the view in which the present owner began */
byte acked[N] = 1;  /* the owner has all that we held in this view */
byte round[N];

/* --- clients --- */
byte at[2];         /* the node that holds its open; NOWHERE: none */
bit told[2];        /* it was told that it has the lock, and counts on it: it has not asked for its end */
bit lost[2];        /* it was told that its open is gone */
bit over[2];        /* ghost: an owner closed the open after its deadline */
byte seq[2];        /* its newest request */
mtype want[2];      /* what it waits for; REPLY: nothing */
byte via[2];        /* the node that it asked */

byte kills, stalls, losses;

/* [from * 2 + to]: kind, client or how many, view of the sender, request or round, outcome */
chan ch[4] = [4] of { mtype, byte, byte, byte, byte };
/* Writes on their way to the store: client, record, epoch of the guard, home to be told, request. In order. */
chan wr[N] = [2] of { byte, byte, byte, byte, byte };

#define OWNER(set) (HAS(set, 0) -> 0 : 1)
#define I(n, k) ((n) * 2 + (k))
#define C(from, to) ((from) * 2 + (to))

/* Whoever may decide at this moment. */
#define DECIDES(n) (alive[n] && right[n] && phase[n] == P_SERVE)
/* The client uses its lock: its node answers it. */
#define USES(k) (told[k] && at[k] != NOWHERE && alive[at[k]] && right[at[k]])

inline send(FROM, DEST, KIND, ARG, REQ, OUT)
{
	if
	:: len(ch[C(FROM, DEST)]) < 4 -> ch[C(FROM, DEST)] ! KIND, ARG, vw[FROM], REQ, OUT
	:: else -> skip /* lost */
	fi
}

/* The node owns the slot no more. */
inline drop_slot(OWN)
{
	phase[OWN] = P_NOT;
	since[OWN] = 0;
	done[OWN] = 0;
	rec[I(OWN, 0)] = 0; away[I(OWN, 0)] = 0; home[I(OWN, 0)] = 0; named[I(OWN, 0)] = 0;
	rec[I(OWN, 1)] = 0; away[I(OWN, 1)] = 0; home[I(OWN, 1)] = 0; named[I(OWN, 1)] = 0;
	in_round[C(OWN, 0)] = 0; in_count[C(OWN, 0)] = 0;
	in_round[C(OWN, 1)] = 0; in_count[C(OWN, 1)] = 0
}

/* Claims in the store and reads the records; that nothing else happens in between is the store's order. */
inline claim(OWN2)
{
	if
	:: s_epoch <= vw[OWN2] ->
		s_epoch = vw[OWN2];
		since[OWN2] = vw[OWN2];
		phase[OWN2] = P_ASSERT;
		rec[I(OWN2, 0)] = s_rec[0];
		rec[I(OWN2, 1)] = s_rec[1]
	:: else /* a later owner was faster */
	fi
}

/* Every run in the view has said that it named all, as far as this owner knows. */
#ifdef NO_DONE_WAIT
#define ALL_DONE(n) true
#else
#define ALL_DONE(n) ((done[n] & mem[vw[n]]) == mem[vw[n]])
#endif

inline serve_if_done(OWN3)
{
	if
	:: phase[OWN3] == P_ASSERT && ALL_DONE(OWN3) ->
		phase[OWN3] = P_SERVE;
		away[I(OWN3, 0)] = !named[I(OWN3, 0)];
		away[I(OWN3, 1)] = !named[I(OWN3, 1)];
		named[I(OWN3, 0)] = 0;
		named[I(OWN3, 1)] = 0
	:: else
	fi
}

inline forget_node(NODE)
{
	/* What others sent to it is lost with the connections; what it sent may yet arrive. */
	do
	:: nempty(ch[C(0, NODE)]) -> ch[C(0, NODE)] ? _, _, _, _, _
	:: nempty(ch[C(1, NODE)]) -> ch[C(1, NODE)] ? _, _, _, _, _
	:: empty(ch[C(0, NODE)]) && empty(ch[C(1, NODE)]) -> break
	od;
	drop_slot(NODE);
	right[NODE] = 0;
	vw[NODE] = 0;
	moved[NODE] = 0;
	acked[NODE] = 0;
	round[NODE] = 0;
	k = 0;
	do
	:: k < 2 ->
		if
		:: at[k] == NODE -> at[k] = NOWHERE
		:: else
		fi;
		if
		:: via[k] == NODE -> want[k] = REPLY; via[k] = NOWHERE
		:: else
		fi;
		k++
	:: else -> break
	od
}

/* What a new run forgets of the old: also what it had sent. */
inline start_node(NODE)
{
	do
	:: nempty(ch[C(NODE, 0)]) -> ch[C(NODE, 0)] ? _, _, _, _, _
	:: nempty(ch[C(NODE, 1)]) -> ch[C(NODE, 1)] ? _, _, _, _, _
	:: empty(ch[C(NODE, 0)]) && empty(ch[C(NODE, 1)]) -> break
	od;
	alive[NODE] = 1;
	newrun[NODE] = 1;
	vw[NODE] = views
}

#define ROUND(n) (vw[n] * 4 + round[n])

/* A home names to the owner of its present view what it holds. */
inline send_round(NODE)
{
	o = OWNER(mem[vw[NODE]]);
	round[NODE]++; /* in this view */
	i = 0;
	k = 0;
	do
	:: k < 2 ->
		if
		:: at[k] == NODE && moved[NODE] > acked[NODE] -> send(NODE, o, REASSERT, k, ROUND(NODE), 0); i++
		:: else
		fi;
		k++
	:: else -> break
	od;
	send(NODE, o, DONE, i, ROUND(NODE), 0)
}

inline ask(CLIENT)
{
	send(via[CLIENT], OWNER(mem[vw[via[CLIENT]]]), want[CLIENT], CLIENT, seq[CLIENT], 0)
}

/* A node takes the next view. */
inline take_view(NODE)
{
	vw[NODE]++;
	if
	:: !HAS(mem[vw[NODE]], NODE) || (HAS(fresh[vw[NODE]], NODE) && !newrun[NODE]) ->
		/* the others went on without this run: it is over */
		alive[NODE] = 0;
		forget_node(NODE)
	:: else ->
		o = OWNER(mem[vw[NODE]]);
		if
		:: newrun[NODE] || o != OWNER(mem[vw[NODE] - 1]) || HAS(fresh[vw[NODE]], o) -> moved[NODE] = vw[NODE]
		:: else
		fi;
		newrun[NODE] = 0;
		round[NODE] = 0;
		if
		:: o != NODE || moved[NODE] == vw[NODE] -> drop_slot(NODE)
		:: else
		fi;
		if
		:: o == NODE && moved[NODE] == vw[NODE] -> claim(NODE)
		:: o == NODE && moved[NODE] != vw[NODE] && phase[NODE] == P_SERVE ->
			k = 0;
			do
			:: k < 2 ->
				if
				:: !HAS(mem[vw[NODE]], home[I(NODE, k)]) || HAS(fresh[vw[NODE]], home[I(NODE, k)]) -> away[I(NODE, k)] = 1
				:: else
				fi;
				k++
			:: else -> break
			od
		:: else
		fi;
		serve_if_done(NODE);
		send_round(NODE);
		k = 0;
		do
		:: k < 2 ->
			if
			:: via[k] == NODE && want[k] != REPLY && moved[NODE] == vw[NODE] -> ask(k)
			:: else
			fi;
			k++
		:: else -> break
		od
	fi
}

inline decide(NODE, CLIENT, VALUE, DEST2, REQ2)
{
	rec[I(NODE, CLIENT)] = VALUE;
	wr[NODE] ! CLIENT, VALUE, since[NODE], DEST2, REQ2
#ifdef EARLY_TELL
	;
	if
	:: DEST2 != NOWHERE -> send(NODE, DEST2, REPLY, CLIENT, REQ2, VALUE)
	:: else
	fi
#endif
}

/* An owner that serves takes a request. */
inline serve(NODE3, KIND3, CLIENT3, FROM3, REQ3)
{
	if
	:: KIND3 == LOCK && rec[I(NODE3, CLIENT3)] != R_GONE && rec[I(NODE3, 1 - CLIENT3)] != R_LOCKED -> decide(NODE3, CLIENT3, R_LOCKED, FROM3, REQ3)
	:: KIND3 == LOCK && rec[I(NODE3, CLIENT3)] != R_GONE && rec[I(NODE3, 1 - CLIENT3)] == R_LOCKED -> send(NODE3, FROM3, REPLY, CLIENT3, REQ3, rec[I(NODE3, CLIENT3)])
	:: KIND3 == UNLOCK && rec[I(NODE3, CLIENT3)] != R_GONE -> decide(NODE3, CLIENT3, R_OPEN, FROM3, REQ3)
	:: KIND3 == RECLAIM && rec[I(NODE3, CLIENT3)] != R_GONE && (away[I(NODE3, CLIENT3)] || home[I(NODE3, CLIENT3)] == FROM3) ->
		away[I(NODE3, CLIENT3)] = 0;
		home[I(NODE3, CLIENT3)] = FROM3;
		/* The record says nothing that this changes: told behind the writes that are on their way, without one of its own. */
		if
		:: empty(wr[NODE3]) -> send(NODE3, FROM3, REPLY, CLIENT3, REQ3, rec[I(NODE3, CLIENT3)])
		:: nempty(wr[NODE3]) -> decide(NODE3, CLIENT3, rec[I(NODE3, CLIENT3)], FROM3, REQ3)
		fi
	:: KIND3 == DISCONNECT && home[I(NODE3, CLIENT3)] == FROM3 -> away[I(NODE3, CLIENT3)] = 1
	:: rec[I(NODE3, CLIENT3)] == R_GONE && KIND3 != DISCONNECT -> send(NODE3, FROM3, REPLY, CLIENT3, REQ3, R_GONE)
	:: else
	fi
}

/* A home takes the answer of the owner. */
inline answer(NODE, CLIENT, FROM4, EPOCH, REQ4, OUT4)
{
	if
	:: via[CLIENT] == NODE && want[CLIENT] != REPLY && seq[CLIENT] == REQ4 && FROM4 == OWNER(mem[vw[NODE]]) && EPOCH >= moved[NODE] ->
		if
		:: OUT4 == R_GONE -> lost[CLIENT] = 1; told[CLIENT] = 0; at[CLIENT] = NOWHERE
		:: OUT4 != R_GONE ->
			told[CLIENT] = (OUT4 == R_LOCKED);
			at[CLIENT] = NODE
		fi;
		want[CLIENT] = REPLY;
		via[CLIENT] = NOWHERE
	:: else
	fi
}

inline check()
{
	assert(!(DECIDES(0) && DECIDES(1)));         /* no two owners decide */
	assert(!(USES(0) && USES(1)));                             /* no lock twice; no reclaim of what another got */
	assert(!(told[0] && !lost[0] && !over[0] && s_rec[0] != R_LOCKED && want[0] == REPLY));
	assert(!(told[1] && !lost[1] && !over[1] && s_rec[1] != R_LOCKED && want[1] == REPLY))
	/* nothing of what a client was told is lost */
}

/* A write gets to the store, whoever sent it and whatever became of him. */
inline land(NODE)
{
	wr[NODE] ? k, val, e, to, x;
	if
#ifdef NO_EPOCH_GUARD
	:: true ->
#else
	:: e == s_epoch ->
#endif
		s_rec[k] = val;
		over[k] = over[k] || (val == R_GONE && e == s_epoch);
		if
		:: alive[NODE] && phase[NODE] == P_SERVE && since[NODE] == e && right[NODE] && to != NOWHERE ->
			send(NODE, to, REPLY, k, x, val)
		:: else
		fi
#ifndef NO_EPOCH_GUARD
	:: else ->
		if
		:: alive[NODE] && since[NODE] == e -> drop_slot(NODE) /* deposed: it stays silent */
		:: else
		fi
#endif
	fi;
	k = 0; val = 0; e = 0; to = 0; x = 0
}

#define ASKS(kind) (kind == LOCK || kind == UNLOCK || kind == RECLAIM || kind == DISCONNECT)

/* What a message does that may be taken now. */
inline take(FROM5, NODE5)
{
	ch[C(FROM5, NODE5)] ? kind, k, e, x, val;
	if
	:: !HAS(mem[vw[NODE5]], FROM5) -> skip /* of a run that is over */
	:: HAS(mem[vw[NODE5]], FROM5) && kind == REPLY -> answer(NODE5, k, FROM5, e, x, val)
	:: HAS(mem[vw[NODE5]], FROM5) && kind == ACK && x == ROUND(NODE5) && FROM5 == OWNER(mem[vw[NODE5]]) ->
		acked[NODE5] = vw[NODE5]
	:: HAS(mem[vw[NODE5]], FROM5) && kind == REASSERT && phase[NODE5] != P_NOT && e >= since[NODE5] ->
		if
		:: in_round[C(NODE5, FROM5)] != x -> in_round[C(NODE5, FROM5)] = x; in_count[C(NODE5, FROM5)] = 0
		:: else
		fi;
		in_count[C(NODE5, FROM5)]++;
		if
		:: phase[NODE5] == P_ASSERT -> named[I(NODE5, k)] = 1; home[I(NODE5, k)] = FROM5
		:: else
		fi
	:: HAS(mem[vw[NODE5]], FROM5) && kind == DONE && phase[NODE5] != P_NOT && e >= since[NODE5] ->
		if
#ifdef LOST_REASSERT
		:: true ->
#else
		:: k == (in_round[C(NODE5, FROM5)] == x -> in_count[C(NODE5, FROM5)] : 0) ->
#endif
			done[NODE5] = done[NODE5] | (1 << FROM5);
			send(NODE5, FROM5, ACK, 0, x, 0);
			serve_if_done(NODE5)
		:: else
		fi
	:: HAS(mem[vw[NODE5]], FROM5) && phase[NODE5] == P_SERVE && e >= since[NODE5] && ASKS(kind) &&
	   right[NODE5] && len(wr[NODE5]) < 2 ->
		serve(NODE5, kind, k, FROM5, x)
	:: else /* in place of being held until the slot serves: who asked asks again */
	fi;
	k = 0; e = 0; x = 0; val = 0; kind = REPLY
}

/* A message of a view that is not here yet waits. */
#define OF_VIEW(n, x, v) (vw[x] < v && ch[C(n, x)] ? [_, _, v, _, _])
#define EARLY(n, x) (OF_VIEW(n, x, 2) || OF_VIEW(n, x, 3) || OF_VIEW(n, x, 4) || OF_VIEW(n, x, 5))
#define MAY_TAKE(n, x) (len(ch[C(n, x)]) > 0 && alive[x] && !newrun[x] && !EARLY(n, x))

/* --- what may happen next, each at one moment --- */

#define EACH(steps, x) steps(x)

/* The next view leaves out who is dead and, when its right to serve is over, who cannot be reached; new runs come in. */
#ifdef NO_LEASE
#define MAY_GO(n) true
#else
#define MAY_GO(n) (!alive[n] || !right[n])
#endif
#define MAY_STAY(n) (alive[n] && (newrun[n] || HAS(mem[views], n)))
#define MAY_BE(set, n) ((HAS(set, n) && MAY_STAY(n)) || (!HAS(set, n) && !(alive[n] && newrun[n]) && (!HAS(mem[views], n) || MAY_GO(n))))
#define NEW(set) ((HAS(set, 0) && newrun[0]) + 2 * (HAS(set, 1) && newrun[1]))
#define MAY_PUBLISH(set) (views < MAXV && MAY_BE(set, 0) && MAY_BE(set, 1) && (mem[views] != set || NEW(set) != 0))
inline publish(SET)
{
	views++;
	mem[views] = SET;
	fresh[views] = NEW(SET)
}

#define QUIET(n) (len(ch[C(n, OWNER(mem[vw[n]]))]) == 0 && len(ch[C(OWNER(mem[vw[n]]), n)]) == 0)

#define NODE_STEPS(x) \
	:: d_step { kills < KILLS && alive[x] -> kills++; alive[x] = 0; forget_node(x); k = 0; check() } \
	:: d_step { stalls < STALLS && right[x] -> right[x] = 0; stalls++ } \
	/* the right comes (back) to a run that the newest view has */ \
	:: d_step { alive[x] && !right[x] && !newrun[x] && vw[x] == views && HAS(mem[views], x) -> right[x] = 1; check() } \
	:: d_step { !alive[x] && views < MAXV -> start_node(x) } \
	:: d_step { alive[x] && vw[x] < views -> take_view(x); k = 0; i = 0; o = 0; check() } \
	/* what was not acknowledged is named again */ \
	:: d_step { alive[x] && !newrun[x] && losses > 0 && acked[x] < vw[x] && round[x] < 2 && QUIET(x) -> \
		send_round(x); k = 0; i = 0; o = 0 } \
	:: d_step { len(wr[x]) > 0 -> land(x); check() }

#define CLIENT_STEPS(x) \
	/* it locks, or unlocks */ \
	:: d_step { want[x] == REPLY && at[x] != NOWHERE && !lost[x] && seq[x] <= MAX_OPS(x) && right[at[x]] -> \
		seq[x]++; via[x] = at[x]; want[x] = (told[x] -> UNLOCK : LOCK); told[x] = 0; ask(x) } \
	/* it loses its connection */ \
	:: d_step { want[x] == REPLY && at[x] != NOWHERE && seq[x] <= MAX_OPS(x) -> \
		send(at[x], OWNER(mem[vw[at[x]]]), DISCONNECT, x, 0, 0); at[x] = NOWHERE } \
	/* its node asks again */ \
	:: d_step { want[x] != REPLY && alive[via[x]] && QUIET(via[x]) -> ask(x) }

#define RECLAIMS(x, n) \
	:: d_step { want[x] == REPLY && at[x] == NOWHERE && !lost[x] && seq[x] <= MAX_OPS(x) + 1 && alive[n] && !newrun[n] && right[n] -> \
		seq[x]++; via[x] = n; want[x] = RECLAIM; ask(x) }
/* past its deadline */
#define SCAVENGES(n, x) \
	:: d_step { DECIDES(n) && away[I(n, x)] && rec[I(n, x)] != R_GONE && len(wr[n]) < 2 -> \
		decide(n, x, R_GONE, NOWHERE, 0); check() }
#define ARRIVES(n, x) \
	:: d_step { MAY_TAKE(n, x) -> take(n, x); check() } \
	:: d_step { losses < LOSSES && len(ch[C(n, x)]) > 0 -> ch[C(n, x)] ? _, _, _, _, _; losses++ }
#define BOTH_STEPS(x) \
	RECLAIMS(x, 0) RECLAIMS(x, 1) \
	SCAVENGES(0, x) SCAVENGES(1, x) \
	ARRIVES(0, x) ARRIVES(1, x)

active proctype world()
{
	byte n, k, o, i, e, x, val, to, from;
	mtype kind;

	d_step {
		mem[1] = 3;
		phase[0] = P_SERVE;
		since[0] = 1;
		done[0] = 3;
		rec[I(0, 0)] = R_OPEN;
		rec[I(0, 1)] = R_OPEN;
		want[0] = REPLY; want[1] = REPLY;
		via[0] = NOWHERE; via[1] = NOWHERE;
		seq[0] = 1; seq[1] = 1
	}
	/* Where the clients are at the beginning; they are alike. */
	if
	:: at[0] = 0; at[1] = 0
	:: at[0] = 0; at[1] = 1
	:: at[0] = 1; at[1] = 1
	fi;
	home[I(0, 0)] = at[0];
	home[I(0, 1)] = at[1];

end:	do
	EACH(NODE_STEPS, 0)
	EACH(NODE_STEPS, 1)
	EACH(CLIENT_STEPS, 0)
	EACH(CLIENT_STEPS, 1)
	EACH(BOTH_STEPS, 0)
	EACH(BOTH_STEPS, 1)
	:: d_step { MAY_PUBLISH(1) -> publish(1) }
	:: d_step { MAY_PUBLISH(2) -> publish(2) }
	:: d_step { MAY_PUBLISH(3) -> publish(3) }
	od
}
