# SPDX-License-Identifier: GPL-3.0-or-later
"""A small SMB 3.0.2 client for the cluster tests, written apart from the project's own codecs, so
that a mistake there is not made twice. One connection, one request at a time, NTLMv2 without SPNEGO,
every request signed and every answer's signature checked. Who sets `on_break` hears of lease breaks, also while a request waits,
and may send requests from there. Section numbers are MS-SMB2's."""
import collections
import hashlib
import hmac
import os
import select
import socket
import struct
import time

from Cryptodome.Cipher import AES
from Cryptodome.Hash import CMAC, MD4

NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, TREE_DISCONNECT, CREATE, CLOSE, FLUSH, READ, WRITE, LOCK = range(11)
QUERY_DIRECTORY, SET_INFO, OPLOCK_BREAK = 14, 17, 18
UNSOLICITED = (1 << 64) - 1
SIGNED, REPLAY = 0x00000008, 0x20000000
RESPONSE, ASYNC = 0x00000001, 0x00000002

OK = 0
PENDING = 0x00000103
MORE_PROCESSING_REQUIRED = 0xC0000016
ACCESS_DENIED = 0xC0000022
INVALID_PARAMETER = 0xC000000D
OBJECT_NAME_NOT_FOUND = 0xC0000034
SHARING_VIOLATION = 0xC0000043
FILE_LOCK_CONFLICT = 0xC0000054
LOCK_NOT_GRANTED = 0xC0000055
RANGE_NOT_LOCKED = 0xC000007E
FILE_CLOSED = 0xC0000128
DUPLICATE_OBJECTID = 0xC000022A
NETWORK_NAME_DELETED = 0xC00000C9
USER_SESSION_DELETED = 0xC0000203
FILE_NOT_AVAILABLE = 0xC0000467

LEASE_R, LEASE_H, LEASE_W = 1, 2, 4
LEASE_LEVEL = 0xFF
LEASE_BREAKING = 2
SHARE_ALL = 7
GENERIC_READ, GENERIC_WRITE, DELETE = 0x80000000, 0x40000000, 0x00010000
OPEN, CREATE_NEW, OPEN_IF, OVERWRITE_IF = 1, 2, 3, 5
DIRECTORY_FILE, DELETE_ON_CLOSE = 0x1, 0x1000
NO_MORE_FILES, NO_SUCH_FILE = 0x80000006, 0xC000000F


class Status(Exception):
    """The server's refusal."""

    def __init__(self, command, status):
        super().__init__(f"command {command}: status {status:#010x}")
        self.status = status


class Gone(Exception):
    """The connection broke, or no answer came in time."""


class Wrong(Exception):
    """The server broke the protocol."""


# A lease break notification (2.2.23.2).
Break = collections.namedtuple("Break", "key current new ack epoch")


def md5_hmac(key, data):
    return hmac.new(key, data, hashlib.md5).digest()


def utf16(text):
    return text.encode("utf-16-le")


def ntlm_negotiate():
    # UNICODE, REQUEST_TARGET, SIGN, NTLM, ALWAYS_SIGN, EXTENDED_SESSIONSECURITY, TARGET_INFO, 128
    return b"NTLMSSP\0" + struct.pack("<II", 1, 0x20888215) + bytes(16)


def ntlm_authenticate(challenge, user, password, domain):
    """Answers the server's challenge (MS-NLMP 3.3.2); returns the message and the session key."""
    if challenge[:8] != b"NTLMSSP\0" or struct.unpack_from("<I", challenge, 8)[0] != 2:
        raise Wrong("no NTLM challenge")
    flags, nonce = struct.unpack_from("<I", challenge, 20)[0], challenge[24:32]
    length, _, offset = struct.unpack_from("<HHI", challenge, 40)
    info = challenge[offset:offset + length]
    stamp = struct.pack("<Q", int((time.time() + 11644473600) * 10**7))
    pos = 0
    while pos + 4 <= len(info):
        kind, size = struct.unpack_from("<HH", info, pos)
        if kind == 7:
            stamp = info[pos + 4:pos + 12]
        pos += 4 + size
    key = md5_hmac(MD4.new(utf16(password)).digest(), utf16(user.upper() + domain))
    blob = b"\1\1" + bytes(6) + stamp + os.urandom(8) + bytes(4) + info + bytes(4)
    proof = md5_hmac(key, nonce + blob)
    fields, body = [], b""
    for part in (bytes(24), proof + blob, utf16(domain), utf16(user), b"", b""):
        fields.append(struct.pack("<HHI", len(part), len(part), 64 + len(body)))
        body += part
    message = b"NTLMSSP\0" + struct.pack("<I", 3) + b"".join(fields) + struct.pack("<I", flags & 0x20888215) + body
    return message, md5_hmac(key, proof)


def derive(key, label, context):
    """SP800-108 in counter mode as in 3.1.4.2, 16 bytes."""
    data = struct.pack(">I", 1) + label + b"\0" + context + struct.pack(">I", 128)
    return hmac.new(key, data, hashlib.sha256).digest()[:16]


class Client:
    """A connection with one session and one tree. `previous`: the session that this one is to end (2.2.5)."""

    def __init__(self, address, share, user, password, timeout=5.0, connect_timeout=None, guid=None, domain="",
                 previous=0):
        self.sock, self.session, self.tree, self.message = None, 0, 0, 0
        self.key, self.timeout = None, timeout
        self.guid, self.previous = guid or os.urandom(16), previous
        self.on_break, self.breaks, self.telling, self.answers = None, [], False, {}
        host, _, port = address.partition(":")
        try:
            self.sock = socket.create_connection((host, int(port or 445)), connect_timeout or timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as e:
            raise Gone(f"connect: {e}") from e
        try:
            self.negotiate()
            self.session_setup(user, password, domain)
            self.tree_connect(f"\\\\{host}\\{share}")
        except BaseException:
            self.drop()
            raise

    def drop(self):
        """Closes the connection without a word."""
        if self.sock:
            self.sock.close()
            self.sock = None

    def abort(self):
        """Ends a wait of another thread for an answer."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass

    def take(self, count, deadline):
        data = b""
        while len(data) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Gone("no answer in time")
            self.sock.settimeout(left)
            try:
                part = self.sock.recv(count - len(data))
            except OSError as e:
                raise Gone(f"receive: {e}") from e
            if not part:
                raise Gone("the server closed the connection")
            data += part
        return data

    def answer(self, command, message, deadline):
        """Waits for the final answer; others that come meanwhile are kept for those who wait for them further out."""
        while True:
            if message in self.answers:
                status, got, flags, pdu = self.answers.pop(message)
                if got != command:
                    raise Wrong(f"answer to command {got}, message {message}, expected {command}")
                if self.key and not (command == SESSION_SETUP and status == MORE_PROCESSING_REQUIRED):
                    self.verify(pdu, flags, status)
                return status, pdu
            self.receive(deadline)
            self.tell()

    def receive(self, deadline):
        """Takes one message off the connection."""
        length = struct.unpack(">I", self.take(4, deadline))[0]
        pdu = self.take(length, deadline)
        if pdu[:4] != b"\xfeSMB":
            raise Wrong("no SMB2 header")
        status, got, _, flags, _, mid = struct.unpack_from("<IHHIIQ", pdu, 8)
        if not flags & RESPONSE or (mid != UNSOLICITED and mid >= self.message):
            raise Wrong(f"answer to command {got}, message {mid}, which was not sent")
        if mid == UNSOLICITED and got == OPLOCK_BREAK:
            if struct.unpack_from("<H", pdu, 64)[0] == 44:
                epoch, ack = struct.unpack_from("<HI", pdu, 66)
                current, new = struct.unpack_from("<II", pdu, 88)
                self.breaks.append(Break(pdu[72:88], current, new, bool(ack & 1), epoch))
        elif not (status == PENDING and flags & ASYNC):
            self.answers[mid] = (status, got, flags, pdu)

    def tell(self):
        """Hands breaks to who wants to know of them, one at a time."""
        while self.breaks and self.on_break and not self.telling:
            self.telling = True
            try:
                self.on_break(self.breaks.pop(0))
            finally:
                self.telling = False

    def listen(self):
        """Takes what has come, without waiting."""
        while self.sock and select.select([self.sock], [], [], 0)[0]:
            self.receive(time.monotonic() + self.timeout)
        self.tell()

    def verify(self, pdu, flags, status):
        if not flags & SIGNED:
            # 3.3.4.1.1: a server that no longer knows the session cannot sign.
            if status in (USER_SESSION_DELETED, NETWORK_NAME_DELETED):
                return
            raise Wrong(f"an answer is not signed (status {status:#x})")
        mac = CMAC.new(self.key, pdu[:48] + bytes(16) + pdu[64:], ciphermod=AES).digest()
        if mac != pdu[48:64]:
            raise Wrong("a signature is wrong")

    def call(self, command, body, allowed=(OK,), timeout=None, flags=0):
        """Sends one request, returns (status, whole PDU of the answer); other statuses raise Status."""
        if not self.sock:
            raise Gone("not connected")
        message, self.message = self.message, self.message + 1
        flags |= SIGNED if self.key else 0
        pdu = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 1, 0, command, 64, flags, 0, message, 0xFEFF, self.tree,
                                       self.session) + bytes(16) + body
        if self.key:
            pdu = pdu[:48] + CMAC.new(self.key, pdu, ciphermod=AES).digest() + pdu[64:]
        try:
            self.sock.settimeout(timeout or self.timeout)
            self.sock.sendall(struct.pack(">I", len(pdu)) + pdu)
        except OSError as e:
            raise Gone(f"send: {e}") from e
        status, pdu = self.answer(command, message, time.monotonic() + (timeout or self.timeout))
        if status not in allowed:
            raise Status(command, status)
        return status, pdu

    def negotiate(self):
        body = struct.pack("<HHHHI", 36, 1, 1, 0, 0x7F) + self.guid + bytes(8) + struct.pack("<H", 0x0302)
        _, pdu = self.call(NEGOTIATE, body)
        if struct.unpack_from("<H", pdu, 68)[0] != 0x0302:
            raise Wrong("another dialect than 3.0.2")
        self.signing_required = bool(pdu[66] & 2)
        self.capabilities = struct.unpack_from("<I", pdu, 88)[0]

    def session_setup(self, user, password, domain):
        def setup(token):
            return struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(token), self.previous) + token

        _, pdu = self.call(SESSION_SETUP, setup(ntlm_negotiate()), (MORE_PROCESSING_REQUIRED,))
        self.session = struct.unpack_from("<Q", pdu, 40)[0]
        offset, length = struct.unpack_from("<HH", pdu, 68)
        token, key = ntlm_authenticate(pdu[offset:offset + length], user, password, domain)
        status, pdu = self.call(SESSION_SETUP, setup(token))
        self.key = derive(key, b"SMB2AESCMAC\0", b"SmbSign\0")
        self.verify(pdu, struct.unpack_from("<I", pdu, 16)[0], status)

    def tree_connect(self, path):
        name = utf16(path)
        _, pdu = self.call(TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(name)) + name)
        self.tree = struct.unpack_from("<I", pdu, 36)[0]

    def create(self, name, access=GENERIC_READ | GENERIC_WRITE, share=SHARE_ALL, disposition=OPEN_IF, contexts=(),
               options=0, oplock=0, timeout=None, flags=0):
        """Opens; returns (file id, {context name: data})."""
        text = utf16(name)
        chain = b""
        for i, (tag, data) in enumerate(contexts):
            entry = struct.pack("<HHHHI", 16, 4, 0, 24, len(data)) + tag + bytes(4) + data
            entry += bytes(-(len(entry) + 4) % 8)
            chain += struct.pack("<I", len(entry) + 4 if i + 1 < len(contexts) else 0) + entry
        padded = text + bytes(-len(text) % 8)
        where = 64 + 56 + len(padded) if chain else 0
        body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, oplock, 2, 0, 0, access, 0x80, share, disposition, options, 120,
                           len(text), where, len(chain)) + padded + chain
        _, pdu = self.call(CREATE, body or b"\0", timeout=timeout, flags=flags)
        fid = pdu[128:144]
        offset, length = struct.unpack_from("<II", pdu, 144)
        return fid, parse_contexts(pdu[offset:offset + length] if length else b"")

    def open_persistent(self, name, create_guid, timeout_ms=0, **more):
        """DH2Q with the persistent flag (2.2.13.2.11); returns the file id, or raises Wrong when it is refused."""
        data = struct.pack("<II", timeout_ms, 2) + bytes(8) + create_guid
        fid, got = self.create(name, contexts=[(b"DH2Q", data)], **more)
        if b"DH2Q" not in got or struct.unpack_from("<I", got[b"DH2Q"], 4)[0] & 2 == 0:
            raise Wrong("no persistent handle was granted")
        return fid

    def reclaim(self, name, fid, create_guid, timeout=None, persistent=True, lease=None):
        """DH2C (2.2.13.2.12); returns the file id. lease: (key, state); then (file id, state, whether it is being broken)."""
        contexts = [(b"DH2C", fid + create_guid + struct.pack("<I", 2 if persistent else 0))]
        if lease:
            contexts.append(lease_context(*lease))
        got, answer = self.create(name, disposition=OPEN, contexts=contexts, timeout=timeout, oplock=LEASE_LEVEL if lease else 0)
        if got[:8] != fid[:8]:
            raise Wrong("a reclaimed handle has another persistent id")
        return (got, *lease_granted(answer)) if lease else got

    def acknowledge(self, key, state):
        """A lease break's acknowledgement (2.2.24.2)."""
        self.call(OPLOCK_BREAK, struct.pack("<HHI", 36, 0, 0) + key + struct.pack("<IQ", state, 0))

    def close(self, fid):
        self.call(CLOSE, struct.pack("<HHI", 24, 0, 0) + fid)

    def rename(self, fid, name):
        """FileRenameInformation (MS-FSCC 2.4.42.2); the open needs DELETE."""
        text = utf16(name)
        data = bytes(16) + struct.pack("<I", len(text)) + text
        self.call(SET_INFO, struct.pack("<HBBIHHI", 33, 1, 10, len(data), 96, 0, 0) + fid + data)

    def list(self, fid):
        """All names in a directory but "." and "..", from the first on (2.2.33)."""
        found, flags, pattern = [], 1, utf16("*")  # RESTART_SCANS
        while True:
            body = struct.pack("<HBBI", 33, 12, flags, 0) + fid + struct.pack("<HHI", 96, len(pattern), 1 << 16) + pattern
            status, pdu = self.call(QUERY_DIRECTORY, body, (OK, NO_MORE_FILES, NO_SUCH_FILE))
            if status != OK:
                return [name for name in found if name not in (".", "..")]
            where, size = struct.unpack_from("<HI", pdu, 66)
            found += names_of(pdu[where:where + size])
            flags = 0

    def write(self, fid, offset, data):
        body = struct.pack("<HHIQ", 49, 112, len(data), offset) + fid + struct.pack("<IIHHI", 0, 0, 0, 0, 0) + data
        _, pdu = self.call(WRITE, body)
        if struct.unpack_from("<I", pdu, 68)[0] != len(data):
            raise Wrong("a short write")

    def read(self, fid, offset, length):
        """Returns the bytes; fewer than `length` at the end of the file."""
        body = struct.pack("<HBBIQ", 49, 80, 0, length, offset) + fid + struct.pack("<IIIHH", 0, 0, 0, 0, 0) + b"\0"
        status, pdu = self.call(READ, body, (OK, 0xC0000011))
        if status != OK:
            return b""
        where, size = pdu[66], struct.unpack_from("<I", pdu, 68)[0]
        return pdu[where:where + size]

    def lock(self, fid, offset, length, exclusive=True, timeout=None):
        """Takes a byte-range lock or raises Status(LOCK_NOT_GRANTED) at once."""
        self._lock(fid, offset, length, 0x10 | (2 if exclusive else 1), timeout)

    def unlock(self, fid, offset, length):
        self._lock(fid, offset, length, 4, None)

    def _lock(self, fid, offset, length, flags, timeout):
        body = struct.pack("<HHI", 48, 1, 0) + fid + struct.pack("<QQII", offset, length, flags, 0)
        self.call(LOCK, body, timeout=timeout)


def lease_context(key, state, parent=None):
    """RqLs, version 2 (2.2.13.2.10)."""
    return b"RqLs", key + struct.pack("<IIQ", state, 4 if parent else 0, 0) + (parent or bytes(16)) + bytes(4)


def names_of(data):
    """FileNamesInformation (MS-FSCC 2.4.33)."""
    at = 0
    while data:
        step, _, length = struct.unpack_from("<III", data, at)
        yield data[at + 12:at + 12 + length].decode("utf-16-le")
        if not step:
            break
        at += step


def lease_granted(contexts):
    """(state, whether it is being broken)."""
    state, flags = struct.unpack_from("<II", contexts.get(b"RqLs", bytes(52)), 16)
    return state, bool(flags & LEASE_BREAKING)


def parse_contexts(data):
    found, pos = {}, 0
    while data:
        step, name_at, name_len, _, at, length = struct.unpack_from("<IHHHHI", data, pos)
        found[data[pos + name_at:pos + name_at + name_len]] = data[pos + at:pos + at + length]
        if not step:
            break
        pos += step
    return found
