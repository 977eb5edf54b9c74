/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cluster key: read once, derived, wiped when freed. Read-only after that: any thread. */
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <sys/stat.h>

#include "node/log/log.h"
#include "node/rpc/stream.h"

#define SECRET_MIN 32u
#define SECRET_MAX 4096u

static int derive(struct blob secret, uint8_t out[RPC_PSK_SIZE])
{
	static const char salt_text[] = "holdfast node-to-node rpc",
			  info_text[] = "tls 1.3 external psk";
	const gnutls_datum_t in = { (unsigned char *)(uintptr_t)secret.data,
				    (unsigned int)secret.len };
	const gnutls_datum_t salt = { (unsigned char *)(uintptr_t)salt_text,
				      sizeof(salt_text) - 1 };
	const gnutls_datum_t info = { (unsigned char *)(uintptr_t)info_text,
				      sizeof(info_text) - 1 };
	uint8_t prk[32];
	const gnutls_datum_t key = { prk, sizeof(prk) };
	int r;

	r = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &in, &salt, prk);
	if (r == 0)
		r = gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &info, out, RPC_PSK_SIZE);
	gnutls_memset(prk, 0, sizeof(prk));
	return r == 0 ? 0 : -EIO;
}

static int give_key(gnutls_session_t session, const gnutls_datum_t *user, gnutls_datum_t *key)
{
	const struct rpc_key *k = gnutls_session_get_ptr(session);

	key->data = gnutls_malloc(RPC_PSK_SIZE);
	if (!key->data)
		return -1;
	memcpy(key->data, k->psk, RPC_PSK_SIZE);
	key->size = RPC_PSK_SIZE;
	return 0;
}

static int credentials(struct rpc_key *k)
{
	static const char name[] = "holdfast";
	const gnutls_datum_t user = { (unsigned char *)(uintptr_t)name, sizeof(name) - 1 };
	const gnutls_datum_t psk = { k->psk, sizeof(k->psk) };

	if (gnutls_psk_allocate_server_credentials(&k->server) < 0 ||
	    gnutls_psk_allocate_client_credentials(&k->client) < 0)
		return -ENOMEM;
	gnutls_psk_set_server_credentials_function2(k->server, give_key);
	if (gnutls_psk_set_client_credentials2(k->client, &user, &psk, GNUTLS_PSK_KEY_RAW) < 0)
		return -EIO;
	/* TLS 1.3 only, the key and an ephemeral exchange, hashes as the key's binder. */
	if (gnutls_priority_init(
		    &k->priority,
		    "NONE:+VERS-TLS1.3:+AES-128-GCM:+CHACHA20-POLY1305:+AEAD:+ECDHE-PSK:+DHE-PSK:"
		    "+GROUP-X25519:+GROUP-SECP256R1:+SIGN-ALL:+COMP-NULL",
		    NULL) < 0)
		return -EIO;
	return 0;
}

int rpc_key_new(struct blob secret, struct rpc_key **ret)
{
	struct rpc_key *k;
	int r;

	if (secret.len < SECRET_MIN || secret.len > SECRET_MAX)
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	r = derive(secret, k->psk);
	if (r == 0)
		r = credentials(k);
	if (r < 0) {
		rpc_key_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

int rpc_key_check(const struct rpc_key *k, uint8_t out[static RPC_KEY_CHECK_SIZE])
{
	static const char text[] = "holdfast cluster key check";

	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, k->psk, sizeof(k->psk), text, sizeof(text) - 1, out) < 0 ?
		       -EIO :
		       0;
}

static int key_read(const char *path, uint8_t *buf, size_t size, size_t *ret_n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t n = 0;
	ssize_t r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_mode & (S_IROTH | S_IWOTH))
		return -EPERM;
	while (n < size) {
		r = read(fd, buf + n, size - n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	*ret_n = n;
	return 0;
}

int rpc_key_load(const char *path, struct rpc_key **ret)
{
	uint8_t buf[SECRET_MAX + 1];
	size_t n = 0;
	int r;

	r = key_read(path, buf, sizeof(buf), &n);
	if (r == -EPERM)
		log_err("rpc: the cluster key file can be read or written by others, chmod it to 0600: file=%s",
			log_esc(path));
	else if (r < 0)
		log_err("rpc: cannot read the cluster key file: file=%s error=%s", log_esc(path),
			log_errno(r));
	if (r == 0) {
		r = rpc_key_new(BLOB(buf, n), ret);
		if (r == -EINVAL)
			log_err("rpc: the cluster key file must have %u to %u bytes: file=%s",
				SECRET_MIN, SECRET_MAX, log_esc(path));
		else if (r < 0)
			log_err("rpc: cannot use the cluster key file: file=%s error=%s",
				log_esc(path), log_errno(r));
	}
	gnutls_memset(buf, 0, sizeof(buf));
	return r;
}

void rpc_key_free(struct rpc_key *k)
{
	if (!k)
		return;
	if (k->server)
		gnutls_psk_free_server_credentials(k->server);
	if (k->client)
		gnutls_psk_free_client_credentials(k->client);
	if (k->priority)
		gnutls_priority_deinit(k->priority);
	gnutls_memset(k->psk, 0, sizeof(k->psk));
	free(k);
}
