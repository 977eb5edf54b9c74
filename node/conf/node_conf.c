/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of node.yaml. No state: any thread. */
#include "node/conf/node_conf.h"

#include <sched.h>

#include "node/conf/conf_priv.h"

#define PATH_MAX_BYTES 4095
#define AT(field) .offset = offsetof(struct node_conf, field)

static const char *const log_level_names[] = { "error", "warning", "info", "debug", NULL };

static const struct conf_row node_rows[] = {
	{ "name", CONF_STRING, AT(name), .min = 1, .max = 63, .required = true,
	  .scope = CONF_AT_START, .prose = "The name of this node, unique in the cluster." },
	{ "node_id", CONF_INT, AT(node_id), .min = 1, .max = INT32_MAX, .required = true,
	  .scope = CONF_AT_START, .prose = "The nodeid that this node has in corosync.conf." },
	{ "addresses", CONF_LIST, .item = CONF_ADDRESS, AT(addresses), .min = 1, .max = 64,
	  .required = true, .scope = CONF_AT_START,
	  .prose =
		  "Where SMB clients reach this node. An address without a port takes the one of \"port\"." },
	{ "rpc_address", CONF_ADDRESS, AT(rpc_address), .required = true, .scope = CONF_AT_START,
	  .prose = "Where the other nodes reach this one, with its port." },
	{ "port", CONF_INT, AT(port), .min = 1, .max = 65535, .def = "445", .scope = CONF_AT_START,
	  .prose = "The TCP port of SMB." },
	{ "store", CONF_STRING, AT(store), .min = 6, .max = PATH_MAX_BYTES,
	  .def = "lmdb:/var/lib/holdfast/state", .scope = CONF_AT_START,
	  .prose = "The state store, the same on every node: lmdb:DIRECTORY or rados:POOL[/NAMESPACE]." },
	{ "run_dir", CONF_STRING, AT(run_dir), .min = 1, .max = 80, .def = "/run/holdfast",
	  .scope = CONF_AT_START,
	  .prose = "The directory of the sockets between the processes of this node." },
	{ "state_dir", CONF_STRING, AT(state_dir), .min = 1, .max = PATH_MAX_BYTES,
	  .def = "/var/lib/holdfast", .scope = CONF_AT_START,
	  .prose = "The directory for what must survive a restart of this node." },
	{ "log", CONF_STRING, AT(log), .min = 1, .max = PATH_MAX_BYTES, .def = "stderr",
	  .scope = CONF_AT_START, .prose = "Where log lines go: journal, stderr or file:/PATH." },
	{ "log_level", CONF_ENUM, AT(log_level), .values = log_level_names, .def = "info",
	  .scope = CONF_AT_ONCE, .prose = "The least important lines that are written." },
	{ "workers", CONF_INT, AT(workers), .min = 0, .max = 256, .def = "0", .unit = "threads",
	  .scope = CONF_AT_START, .prose = "Threads that serve SMB; 0 is one per usable CPU." },
	{ "cluster_key_file", CONF_STRING, AT(cluster_key_file), .min = 1, .max = PATH_MAX_BYTES,
	  .def = "/etc/holdfast/cluster.key", .scope = CONF_AT_START,
	  .prose = "The key that proves the nodes to one another, the same on every node." },
	{ "keytab", CONF_STRING, AT(keytab), .min = 1, .max = PATH_MAX_BYTES,
	  .scope = CONF_AT_START,
	  .prose = "The Kerberos keytab with the cifs/ keys; without it there is no Kerberos." },
};

const struct conf_schema node_conf_schema = {
	.name = "node.yaml",
	.rows = node_rows,
	.count = ARRAY_SIZE(node_rows),
	.size = sizeof(struct node_conf),
};

static int check_absolute(const char *path, const char *key, const char *value,
			  struct conf_error *err)
{
	if (!value || value[0] == '/')
		return 0;
	return conf_fail(err, path, key, "\"%.100s\" is not an absolute path", value);
}

/* What no single row can say. */
static int check_node(const char *path, const struct node_conf *c, struct conf_error *err)
{
	char host[64];
	uint16_t port;
	int r;

	if (strspn(c->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
	    strlen(c->name))
		return conf_fail(err, path, "name",
				 "\"%.64s\" holds more than letters, digits, '-', '_' and '.'",
				 c->name);
	if (conf_parse_address(c->rpc_address, host, &port) < 0 || port == 0)
		return conf_fail(err, path, "rpc_address", "\"%.100s\" has no port",
				 c->rpc_address);
	if (strncmp(c->store, "lmdb:/", 6) != 0 && strncmp(c->store, "rados:", 6) != 0)
		return conf_fail(
			err, path, "store",
			"\"%.100s\" is not a store; allowed is lmdb:/DIRECTORY or rados:POOL",
			c->store);
	if (strcmp(c->log, "journal") != 0 && strcmp(c->log, "stderr") != 0 &&
	    strncmp(c->log, "file:/", 6) != 0)
		return conf_fail(
			err, path, "log",
			"\"%.100s\" is not known; allowed is journal, stderr or file:/PATH",
			c->log);
	r = check_absolute(path, "run_dir", c->run_dir, err);
	if (r == 0)
		r = check_absolute(path, "state_dir", c->state_dir, err);
	if (r == 0)
		r = check_absolute(path, "cluster_key_file", c->cluster_key_file, err);
	if (r == 0)
		r = check_absolute(path, "keytab", c->keytab, err);
	return r;
}

static int usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return MIN(MAX(CPU_COUNT(&set), 1), 256);
}

int node_conf_load(const char *path, struct node_conf **ret, struct conf_error *err)
{
	_cleanup_node_conf_ struct node_conf *c = calloc(1, sizeof(*c));
	int r;

	snprintf(err->text, sizeof(err->text), "%s: out of memory", path);
	if (!c)
		return -ENOMEM;
	r = conf_init(&node_conf_schema, c);
	if (r == 0)
		r = conf_load_file(&node_conf_schema, path, c, err);
	if (r == 0)
		r = check_node(path, c, err);
	if (r < 0)
		return r;
	if (c->workers == 0)
		c->workers = usable_cpus();
	*ret = TAKE_PTR(c);
	return 0;
}

void node_conf_free(struct node_conf *c)
{
	if (!c)
		return;
	conf_done(&node_conf_schema, c);
	free(c);
}
