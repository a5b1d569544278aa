# SPDX-License-Identifier: LGPL-2.1-or-later
"""iSCSI PDUs (RFC 7143 11) and SCSI commands, as far as fault-proxy.py reads
and makes them. Digests are off."""
import struct

NOP_OUT, COMMAND, TMF, LOGIN, TEXT, DATA_OUT, LOGOUT, SNACK = \
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10
NOP_IN, RESPONSE, TMF_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, DATA_IN, LOGOUT_RESPONSE = \
    0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26
R2T, ASYNC, REJECT = 0x31, 0x32, 0x3f

PDU_NAMES = {
    NOP_OUT: "nop-out", COMMAND: "command", TMF: "tmf", LOGIN: "login", TEXT: "text",
    DATA_OUT: "data-out", LOGOUT: "logout", SNACK: "snack",
    NOP_IN: "nop-in", RESPONSE: "response", TMF_RESPONSE: "tmf-response",
    LOGIN_RESPONSE: "login-response", TEXT_RESPONSE: "text-response", DATA_IN: "data-in",
    LOGOUT_RESPONSE: "logout-response", R2T: "r2t", ASYNC: "async", REJECT: "reject",
}

IMMEDIATE = 0x40        # in the opcode byte
FINAL = 0x80            # in the flags byte
READS, WRITES = 0x40, 0x20
OVERFLOW, UNDERFLOW, STATUS = 0x04, 0x02, 0x01
NO_TAG = 0xffffffff

GOOD, CHECK_CONDITION = 0x00, 0x02

SCSI_NAMES = {
    0x00: "TEST UNIT READY", 0x03: "REQUEST SENSE", 0x12: "INQUIRY",
    0x08: "READ", 0x28: "READ", 0xa8: "READ", 0x88: "READ",
    0x0a: "WRITE", 0x2a: "WRITE", 0xaa: "WRITE", 0x8a: "WRITE",
    0x2e: "WRITE AND VERIFY", 0x8e: "WRITE AND VERIFY", 0x2f: "VERIFY", 0x8f: "VERIFY",
    0x35: "SYNCHRONIZE CACHE", 0x91: "SYNCHRONIZE CACHE",
    0x34: "PRE-FETCH", 0x90: "PRE-FETCH", 0x41: "WRITE SAME", 0x93: "WRITE SAME",
    0x42: "UNMAP", 0x89: "COMPARE AND WRITE", 0x1a: "MODE SENSE", 0x5a: "MODE SENSE",
    0x25: "READ CAPACITY", 0xa0: "REPORT LUNS", 0x5e: "PERSISTENT RESERVE IN",
    0x5f: "PERSISTENT RESERVE OUT",
}
SERVICE_ACTIONS = {
    (0x9e, 0x10): "READ CAPACITY", (0x9e, 0x12): "GET LBA STATUS",
    (0xa3, 0x0a): "REPORT TARGET PORT GROUPS", (0xa4, 0x0a): "SET TARGET PORT GROUPS",
}
ALIASES = {"TUR": "TEST UNIT READY", "RTPG": "REPORT TARGET PORT GROUPS",
           "STPG": "SET TARGET PORT GROUPS"}
ALL_SCSI = set(SCSI_NAMES.values()) | set(SERVICE_ACTIONS.values())


def get32(header, at):
    return int.from_bytes(header[at:at + 4], "big")


def put32(header, at, value):
    header[at:at + 4] = (value & 0xffffffff).to_bytes(4, "big")


class Pdu:
    """A header of 48 bytes, additional header segments, data without padding."""
    __slots__ = ("header", "ahs", "data", "opcode")

    def __init__(self, header, ahs=b"", data=b""):
        self.header = header
        self.ahs = ahs
        self.data = data
        self.opcode = header[0] & 0x3f

    @property
    def tag(self):
        return get32(self.header, 16)

    @property
    def name(self):
        return PDU_NAMES.get(self.opcode, "%02x" % self.opcode)

    def has_status(self):
        """It ends a SCSI command."""
        return self.opcode == RESPONSE or \
            self.opcode == DATA_IN and bool(self.header[1] & STATUS)

    def encode(self):
        length = len(self.data)
        self.header[5:8] = length.to_bytes(3, "big")
        return b"".join((self.header, self.ahs, self.data, bytes(-length & 3)))


def make(opcode, flags=FINAL, tag=NO_TAG, data=b""):
    header = bytearray(48)
    header[0], header[1] = opcode, flags
    put32(header, 16, tag)
    return Pdu(header, b"", data)


class Stream:
    """Cuts a stream into PDUs."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        buffer = self.buffer
        buffer += data
        at, end = 0, len(buffer)
        while end - at >= 48:
            ahs = buffer[at + 4] * 4
            length = buffer[at + 5] << 16 | buffer[at + 6] << 8 | buffer[at + 7]
            start = at + 48 + ahs
            if end < start + (length + 3 & ~3):
                break
            yield Pdu(buffer[at:at + 48], bytes(buffer[at + 48:start]),
                      bytes(buffer[start:start + length]))
            at = start + (length + 3 & ~3)
        del buffer[:at]


class Task:
    """A SCSI command on its way."""

    def __init__(self, pdu):
        header, cdb = pdu.header, bytes(pdu.header[32:48])
        self.pdu = pdu
        self.tag = pdu.tag
        self.cdb = cdb
        self.name = SERVICE_ACTIONS.get((cdb[0], cdb[1] & 0x1f)) or \
            SCSI_NAMES.get(cdb[0], "%02X" % cdb[0])
        self.lun = (header[8] & 0x3f) << 8 | header[9]
        self.reads = bool(header[1] & READS)
        self.writes = bool(header[1] & WRITES)
        self.expected = get32(header, 20)
        self.vpd = cdb[2] if cdb[0] == 0x12 and cdb[1] & 1 else None
        self.blocks = self.find_blocks(pdu.data)
        # More data comes unasked: RFC 7143 11.3.1.
        self.is_open = self.writes and not header[1] & FINAL
        self.moved = 0          # bytes of Data-In passed on
        self.data_sn = 0        # how many of them
        self.answer = None      # ours, once the target has given its own
        self.is_swallowed = False
        self.residual = None    # (count, overflow), instead of the target's
        self.is_replaced = False

    def find_blocks(self, data):
        """First and last block that it is about, None for none."""
        cdb, code = self.cdb, self.cdb[0]
        if code == 0x42 and len(data) >= 24:
            lba, count = struct.unpack_from(">QI", data, 8)
        elif self.name in ("READ CAPACITY", "GET LBA STATUS"):
            return None
        elif code in (0x88, 0x8a, 0x8e, 0x8f, 0x90, 0x91, 0x93):
            lba, count = struct.unpack_from(">QI", cdb, 2)
        elif code == 0x89:
            lba, count = int.from_bytes(cdb[2:10], "big"), cdb[13]
        elif code in (0x28, 0x2a, 0x2e, 0x2f, 0x34, 0x35, 0x41):
            lba, count = get32(cdb, 2), int.from_bytes(cdb[7:9], "big")
        elif code in (0xa8, 0xaa):
            lba, count = get32(cdb, 2), get32(cdb, 6)
        elif code in (0x08, 0x0a):
            lba, count = int.from_bytes(cdb[1:4], "big") & 0x1fffff, cdb[4] or 256
        else:
            return None
        return lba, lba + max(count, 1) - 1


def sense_data(what, descriptor=False, deferred=False):
    """what is "KEY/ASC/ASCQ" in hex: SPC-4 4.5, fixed or descriptor format."""
    key, asc, ascq = (int(field, 16) for field in what.split("/"))
    if descriptor:
        return bytes([0x73 if deferred else 0x72, key, asc, ascq, 0, 0, 0, 0])
    sense = bytearray(18)
    sense[0], sense[2], sense[7] = 0x71 if deferred else 0x70, key, 10
    sense[12], sense[13] = asc, ascq
    return bytes(sense)


def scsi_response(task, status, sense=b"", residual=0, overflow=False, response=0):
    """The end of a command, RFC 7143 11.4."""
    flags = FINAL
    if residual:
        flags |= OVERFLOW if overflow else UNDERFLOW
    data = struct.pack(">H", len(sense)) + sense if sense else b""
    pdu = make(RESPONSE, flags, task.tag, data)
    pdu.header[2], pdu.header[3] = response, status
    put32(pdu.header, 36, task.data_sn)
    put32(pdu.header, 44, residual)
    return pdu


def data_in(task, data):
    pdu = make(DATA_IN, FINAL, task.tag, data)
    put32(pdu.header, 20, NO_TAG)
    put32(pdu.header, 36, task.data_sn)
    put32(pdu.header, 40, task.moved)
    task.data_sn += 1
    task.moved += len(data)
    return pdu


def reject(header, reason):
    """RFC 7143 11.17: the refused header comes back as data."""
    pdu = make(REJECT, FINAL, NO_TAG, bytes(header))
    pdu.header[2] = reason
    return pdu


def async_message(event, lun=0, parameters=(0, 0, 0), sense=b""):
    """RFC 7143 11.9."""
    data = struct.pack(">H", len(sense)) + sense if sense else b""
    pdu = make(ASYNC, FINAL, NO_TAG, data)
    struct.pack_into(">H", pdu.header, 8, lun)
    pdu.header[36] = event
    struct.pack_into(">HHH", pdu.header, 38, *parameters)
    return pdu


def login_answer(request, status, data=b""):
    """RFC 7143 11.13: the end of a login, STATUS as in "0301"."""
    pdu = make(LOGIN_RESPONSE, 0, request.tag, data)
    pdu.header[8:14] = request.header[8:14]
    pdu.header[36:38] = bytes.fromhex(status)
    return pdu
