/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listings: each worker writes what it knows into memory of the asking task, which waits meanwhile;
 * the rows are merged in order of id, so that a page can start where the last one ended. Counts are
 * added up. On worker 0; the parts run on each worker.
 */
#include "smbd/listing.h"

#include "node/base/clock.h"
#include "node/log/log.h"
#include "smbd/lock/lock.h"
#include "smbd/proto/call.h"
#include "smbd/proto/conn.h"

#define LISTING_ARENA (64u << 20)

struct listing {
	struct smbd *smbd;
	struct cluster_query *query;
	struct arena arena;
	uint64_t after; /* rows with a larger id are wanted */
	uint32_t room;
	bool failed;
	/* sessions */
	struct cluster_session_row *sessions;
	size_t n_sessions;
	/* opens and locks */
	struct rec_open **opens; /* per worker, in order of id */
	uint32_t *n_opens;
	struct lease_stats counts; /* of all workers */
};

/* --- sessions --- */

static uint64_t count(const struct list *l)
{
	const struct list *i;
	uint64_t n = 0;

	for (i = l->next; i != l; i = i->next)
		n++;
	return n;
}

static void session_row(struct listing *l, const struct session *s, struct cluster_session_row *ret)
{
	const struct channel *ch = list_first(&s->channels, struct channel, in_session);
	char guid[GUID_STR_SIZE];

	*ret = (struct cluster_session_row){
		.session_id = s->id,
		.user = arena_strdup(&l->arena, s->user.name ? s->user.name : ""),
		.client = arena_strdup(&l->arena, ch && ch->conn ? ch->conn->name : "-"),
		.client_guid = arena_strdup(&l->arena, guid_format(&s->client_guid, guid)),
		.dialect = arena_printf(&l->arena, "%x.%x.%x", s->dialect >> 8,
					s->dialect >> 4 & 15, s->dialect & 15),
		.signing = s->sign_required,
		.encryption = s->encrypt,
		.channels = count(&s->channels),
		.trees = count(&s->trees),
		.opens = count(&s->opens),
		.age_s = (clock_real_ns() - s->created_at) / NSEC_PER_SEC,
	};
	if (!ret->user || !ret->client || !ret->client_guid || !ret->dialect)
		l->failed = true;
}

static int by_session_id(const void *a, const void *b)
{
	const struct cluster_session_row *x = a, *y = b;

	return x->session_id < y->session_id ? -1 : x->session_id > y->session_id;
}

static void sessions_of(struct worker *w, void *arg)
{
	struct listing *l = arg;
	struct cluster_session_row *rows;
	struct htable_iter it;
	struct hnode *n;

	rows = arena_calloc(&l->arena, l->n_sessions + w->sessions.count, sizeof(*rows));
	if (!rows) {
		l->failed = true;
		return;
	}
	if (l->n_sessions)
		memcpy(rows, l->sessions, l->n_sessions * sizeof(*rows));
	htable_foreach(n, &it, &w->sessions) {
		const struct session *s = htable_entry(n, struct session, by_id);

		if (s->id > l->after && s->state != SESSION_IN_PROGRESS &&
		    s->state != SESSION_CLOSING)
			session_row(l, s, &rows[l->n_sessions++]);
	}
	l->sessions = rows;
}

static uint64_t answer_sessions(struct listing *l)
{
	size_t i;

	if (l->n_sessions)
		qsort(l->sessions, l->n_sessions, sizeof(*l->sessions), by_session_id);
	for (i = 0; i < l->n_sessions; i++) {
		if (cluster_query_add_session(l->query, &l->sessions[i]) < 0)
			return i > 0 ? l->sessions[i - 1].session_id : 0;
	}
	return 0;
}

/* --- opens and locks --- */

static void opens_of(struct worker *w, void *arg)
{
	struct listing *l = arg;
	enum lk_list what = cluster_query_kind(l->query) == CLUSTER_QUERY_LEASES ? LK_LIST_LEASES : LK_LIST_OPENS;

	if (w->lock && lockc_list(w->lock, what, l->after, l->room, &l->arena, &l->opens[w->index],
				  &l->n_opens[w->index]) < 0)
		l->failed = true;
}

/* The open with the smallest id that was not taken yet. */
static const struct rec_open *next_open(struct listing *l)
{
	struct rec_open *best = NULL;
	unsigned int i, from = 0;

	for (i = 0; i < l->smbd->n_workers; i++) {
		if (l->n_opens[i] > 0 && (!best || l->opens[i]->id < best->id)) {
			best = l->opens[i];
			from = i;
		}
	}
	if (best) {
		l->opens[from]++;
		l->n_opens[from]--;
	}
	return best;
}

static const char *rwd(uint32_t v, uint32_t r, uint32_t w, uint32_t d, char out[4])
{
	char *p = out;

	if (v & r)
		*p++ = 'r';
	if (v & w)
		*p++ = 'w';
	if (v & d)
		*p++ = 'd';
	*p = '\0';
	return out[0] ? out : "-";
}

/* "RWH" and parts of it (MS-SMB2 3.3.1.12). */
static const char *caching(uint32_t state, char out[4])
{
	char *p = out;

	if (state & SMB2_LEASE_READ_CACHING)
		*p++ = 'R';
	if (state & SMB2_LEASE_WRITE_CACHING)
		*p++ = 'W';
	if (state & SMB2_LEASE_HANDLE_CACHING)
		*p++ = 'H';
	*p = '\0';
	return out[0] ? out : "-";
}

/* Text that opens, locks and leases share. */
struct open_text {
	char id[20], guid[GUID_STR_SIZE], client_guid[GUID_STR_SIZE], access[4], share[4], caching[4];
	const char *client;
	uint64_t home_node; /* 0: at none */
};

static void open_text(const struct rec_open *o, struct open_text *t)
{
	snprintf(t->id, sizeof(t->id), "%016llx", (unsigned long long)o->id);
	t->client = o->client[0] ? o->client : "-";
	t->home_node = o->home_incarnation ? o->home_node : 0;
	guid_format(&o->client_guid, t->client_guid);
	guid_format(&o->create_guid, t->guid);
}

static int add_open(struct listing *l, const struct rec_open *o)
{
	uint64_t now = clock_real_ns();
	struct cluster_open_row row;
	struct open_text t;

	open_text(o, &t);
	row = (struct cluster_open_row){
		.persistent_id = t.id,
		.session_id = o->session_id,
		.user = o->user,
		.client = t.client,
		.client_guid = t.client_guid,
		.home_node = t.home_node,
		.share = o->share_name,
		.path = o->path,
		.access = rwd(o->access, SMB2_FILE_READ_DATA | SMB2_FILE_EXECUTE,
			      SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA, SMB2_DELETE, t.access),
		.share_mode = rwd(o->share, SMB2_FILE_SHARE_READ, SMB2_FILE_SHARE_WRITE,
				  SMB2_FILE_SHARE_DELETE, t.share),
		.handle = o->persistent ? "persistent" :
			  o->durable	? "durable" :
					  "-",
		.oplock = o->lease.present ? caching(o->lease.state, t.caching) : "-",
		.create_guid = o->has_create_guid ? t.guid : "",
		.state = o->disconnected ? "disconnected" : "connected",
		.expires_s = o->disconnected && o->deadline > now ?
				     (o->deadline - now) / NSEC_PER_SEC :
				     0,
		.slot = o->id & 0xffff,
		.age_s = now > o->opened_at ? (now - o->opened_at) / NSEC_PER_SEC : 0,
	};
	return cluster_query_add_open(l->query, &row);
}

/* All locks of one open go into one page. */
static int add_locks(struct listing *l, const struct rec_open *o)
{
	struct cluster_lock_row row;
	struct open_text t;
	uint32_t i;
	int r = 0;

	if (o->n_locks > cluster_query_room(l->query))
		return -ENOSPC;
	open_text(o, &t);
	for (i = 0; i < o->n_locks && r == 0; i++) {
		row = (struct cluster_lock_row){
			.persistent_id = t.id,
			.user = o->user,
			.client = t.client,
			.home_node = t.home_node,
			.share = o->share_name,
			.path = o->path,
			.offset = o->locks[i].offset,
			.length = o->locks[i].length,
			.type = o->locks[i].exclusive ? "exclusive" : "shared",
			.state = "held",
			.slot = o->id & 0xffff,
		};
		r = cluster_query_add_lock(l->query, &row);
	}
	return r;
}

static int add_lease(struct listing *l, const struct rec_open *o)
{
	static const char *const kinds[] = { "oplock", "lease v1", "lease v2" };
	char key[GUID_STR_SIZE], parent[GUID_STR_SIZE], to[4];
	const struct rec_lease *e = &o->lease;
	struct cluster_lease_row row;
	struct open_text t;

	open_text(o, &t);
	row = (struct cluster_lease_row){
		.persistent_id = t.id,
		.user = o->user,
		.client = t.client,
		.client_guid = t.client_guid,
		.home_node = t.home_node,
		.share = o->share_name,
		.path = o->path,
		.kind = kinds[MIN(e->version, (uint8_t)2)],
		.key = e->version ? guid_format(&e->key, key) : "",
		.parent_key = e->has_parent ? guid_format(&e->parent_key, parent) : "",
		.caching = caching(e->state, t.caching),
		.breaking = e->breaking ? caching(e->breaking_to, to) : "",
		.epoch = e->epoch,
		.state = o->disconnected ? "disconnected" : "connected",
		.slot = o->id & 0xffff,
	};
	return cluster_query_add_lease(l->query, &row);
}

static uint64_t answer_opens(struct listing *l,
			     int (*add)(struct listing *l, const struct rec_open *o))
{
	const struct rec_open *o;
	uint64_t last = l->after;
	uint32_t n = 0;

	while ((o = next_open(l))) {
		/* an open with more locks than a page holds is passed over rather than asked for
		 * for ever */
		if (add(l, o) < 0 && n > 0)
			return last;
		last = o->id;
		if (++n == l->room)
			return last; /* a worker may have more below what the others showed */
	}
	return 0;
}

/* --- counts of leases --- */

static void counts_of(struct worker *w, void *arg)
{
	struct listing *l = arg;
	struct lk_stats st;

	if (!w->lock)
		return;
	lockc_stats(w->lock, &st);
	lease_stats_add(&l->counts, &st.leases);
}

static uint64_t answer_lease_stats(struct listing *l)
{
	struct cluster_lease_stats_row row = {
		.age_s = (clock_real_ns() - l->smbd->started_at) / NSEC_PER_SEC,
		.counts = l->counts,
	};

	(void)cluster_query_add_lease_stats(l->query, &row);
	return 0;
}

/* --- the query --- */

static void ask_all(struct listing *l, worker_fn *fn)
{
	unsigned int i;

	for (i = 0; i < l->smbd->n_workers && !l->failed; i++) {
		/* a worker that has stopped would never answer */
		if (l->smbd->workers[0].stopping || worker_call(&l->smbd->workers[i], fn, l) < 0)
			l->failed = true;
	}
}

static uint64_t answer_open_rows(struct listing *l) { return answer_opens(l, add_open); }
static uint64_t answer_locks(struct listing *l) { return answer_opens(l, add_locks); }
static uint64_t answer_leases(struct listing *l) { return answer_opens(l, add_lease); }

/* What each worker is asked for, and what then makes the page. */
static const struct {
	worker_fn *of_worker;
	uint64_t (*answer)(struct listing *l);
} kinds[CLUSTER_QUERY_KINDS] = {
	[CLUSTER_QUERY_SESSIONS] = { sessions_of, answer_sessions },
	[CLUSTER_QUERY_OPENS] = { opens_of, answer_open_rows },
	[CLUSTER_QUERY_LOCKS] = { opens_of, answer_locks },
	[CLUSTER_QUERY_LEASES] = { opens_of, answer_leases },
	[CLUSTER_QUERY_LEASE_STATS] = { counts_of, answer_lease_stats },
};

static uint64_t answer(struct listing *l)
{
	enum cluster_query_kind k = cluster_query_kind(l->query);

	ask_all(l, kinds[k].of_worker);
	if (l->failed) {
		log_warn("listing failed: no memory, or stopping");
		return 0;
	}
	return kinds[k].answer(l);
}

static void listing_task(void *arg)
{
	struct listing *l = arg;
	unsigned int n = l->smbd->n_workers;
	uint64_t next = 0;

	arena_init(&l->arena, LISTING_ARENA);
	l->after = cluster_query_cursor(l->query);
	l->room = cluster_query_room(l->query);
	l->opens = arena_calloc(&l->arena, n, sizeof(*l->opens));
	l->n_opens = arena_calloc(&l->arena, n, sizeof(*l->n_opens));
	if (l->opens && l->n_opens)
		next = answer(l);
	cluster_query_done(l->query, next);
	arena_reset(&l->arena);
	free(l);
}

void listing_answer(struct smbd *s, struct cluster_query *q)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l) {
		l->smbd = s;
		l->query = q;
	}
	if (!l || s->workers[0].stopping ||
	    task_spawn(s->workers[0].loop, listing_task, l, NULL) < 0) {
		free(l);
		cluster_query_done(q, 0);
	}
}
