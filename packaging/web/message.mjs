// DHCPv6 messages (RFC 9915), as far as the walk's clients speak it.

export const SOLICIT = 1, ADVERTISE = 2, REQUEST = 3, RENEW = 5, REPLY = 7, RELEASE = 8, RELAY_FORW = 12, RELAY_REPL = 13;
const CLIENT_ID = 1, SERVER_ID = 2, IA_NA = 3, ORO = 6, ELAPSED = 8, RELAY_MESSAGE = 9, INTERFACE_ID = 18, IA_PD = 25, REMOTE_ID = 37,
  FQDN = 39, RELAY_PORT = 135;

const option = (code, ...data) => {
  const body = Buffer.concat(data);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code, 0);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
};
const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16BE(n); return b; };
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };

/** address writes 16 octets of an IPv6 address whose text has one "::" at most. */
export function address(text) {
  const [front, back = ''] = text.split('::');
  const groups = (s) => (s === '' ? [] : s.split(':').map((g) => parseInt(g, 16)));
  const head = groups(front), tail = groups(back);
  const all = text.includes('::') ? [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail] : head;
  return Buffer.concat(all.map(u16));
}

/** message is a client's. Server and leases, the options of its IAs, are those that a server told it before; none in a Solicit. */
export function message(client, type, server, leases = []) {
  const xid = Buffer.from([type, client.number >> 8, client.number & 0xff, client.tries & 0xff]);
  const parts = [xid, option(CLIENT_ID, client.duid), option(ELAPSED, u16(0))];
  if (server) parts.push(option(SERVER_ID, server));
  if (leases.length > 0) parts.push(...leases);
  else {
    parts.push(option(IA_NA, u32(1), u32(0), u32(0)));
    if (client.prefix) parts.push(option(IA_PD, u32(1), u32(0), u32(0)));
  }
  if (type !== RELEASE) {
    parts.push(option(ORO, u16(23), u16(FQDN)));
    if (client.name) { // RFC 4704, Section 4.2: one label without the root's is a part of a name
      const label = Buffer.from(client.name, 'latin1');
      parts.push(option(FQDN, Buffer.from([1, label.length]), label));
    }
  }
  return Buffer.concat(parts);
}

/** relayed puts a client's message into a relay's (RFC 9915, Section 19.1), which is answered at the port it comes from (RFC 8357). */
export function relayed(client, inner) {
  const peer = Buffer.concat([address('fe80::').subarray(0, 8), Buffer.from([0, 0, 0, 0xff, 0xfe, 0, client.number >> 8, client.number & 0xff])]);
  return Buffer.concat([Buffer.from([RELAY_FORW, 0]), address(client.link), peer, option(RELAY_MESSAGE, inner),
    option(INTERFACE_ID, Buffer.from(client.interfaceID, 'latin1')), option(REMOTE_ID, u32(4491), Buffer.from(client.remoteID, 'latin1')),
    option(RELAY_PORT, u16(0))]);
}

/** answer reads a Relay-reply: the type of what is in it, the client's number and try, its server and its IAs; null where it is something else. */
export function answer(packet) {
  if (packet[0] !== RELAY_REPL) return null;
  const inner = options(packet.subarray(34)).find((o) => o.code === RELAY_MESSAGE)?.data;
  if (!inner) return null;
  const all = options(inner.subarray(4));
  const leases = all.filter((o) => (o.code === IA_NA || o.code === IA_PD) && o.data.length > 12 && !options(o.data.subarray(12)).some((s) => s.code === 13));
  return {type: inner[0], id: `${inner.readUInt16BE(1)} ${inner[3]}`, server: all.find((o) => o.code === SERVER_ID)?.data, leases: leases.map((o) => option(o.code, o.data))};
}

function options(octets) {
  const all = [];
  for (let at = 0; at + 4 <= octets.length;) {
    const end = at + 4 + octets.readUInt16BE(at + 2);
    all.push({code: octets.readUInt16BE(at), data: octets.subarray(at + 4, end)});
    at = end;
  }
  return all;
}
