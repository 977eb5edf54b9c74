/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clusterd says to the daemons of its node: the view, and the records of the configuration in it. */
#include "clusterd/client/cluster.pb-c.h"
#include "clusterd/client/config_pb.h"
#include "clusterd/client/view_pb.h"
#include "node/log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Hfc__ToDaemon *m = hfc__to_daemon__unpack(NULL, size, data);
	struct cluster_config *c;
	struct view *v;

	log_set_level(LOG_LEVEL_ERR);
	if (m && m->m_case == HFC__TO_DAEMON__M_VIEW && view_from_pb(m->view, &v) == 0)
		view_unref(v);
	if (m && m->m_case == HFC__TO_DAEMON__M_CONFIG && cluster_config_from_pb(m->config, NULL, &c) == 0) {
		cluster_config_user(c, "bob");
		cluster_config_share(c, "data");
		cluster_config_unref(c);
	}
	if (m)
		hfc__to_daemon__free_unpacked(m, NULL);
	return 0;
}
