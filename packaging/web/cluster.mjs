// A cluster on loopback for the page to show: three nodes, a DNS server, and clients behind relays that copy every message to all nodes.
// Some clients call themselves what would be a program if a page took it for HTML. What is started here is ended by close().
import {spawn} from 'node:child_process';
import {randomBytes, randomUUID} from 'node:crypto';
import {createSocket} from 'node:dgram';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {ADVERTISE, answer, message, relayed, RELEASE, RENEW, REPLY, REQUEST, SOLICIT} from './message.mjs';

export const HOSTILE = '<img src=x onerror=document.title="taken">';
export const TOKEN = randomBytes(32).toString('hex');
const NODES = ['a', 'b', 'c'];
const PATIENCE = 60_000; // milliseconds; the machine may have much else to do

/** eventually asks until the answer is truthy. */
export async function eventually(what, ask) {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const got = await ask();
    if (got) return got;
    if (Date.now() > until) throw new Error(`${what}: not within ${PATIENCE / 1000} s`);
    await sleep(100);
  }
}

const listening = (server) => new Promise((done, failed) => { server.once('error', failed); server.listen(0, '127.0.0.1', () => done(server.address().port)); });
async function freePort() {
  const server = createServer();
  const port = await listening(server);
  await new Promise((done) => server.close(done));
  return port;
}

/** open starts everything and returns when the nodes serve and the first clients have leases. Sync is the stores': always where the disk
    is quick. Where three of them wait for one that others keep busy, nodes fall silent as they would for a broken one. */
export async function open(program, folder, sync = 'never') {
  const c = new Cluster(program, folder, sync);
  try {
    await c.start();
    return c;
  } catch (error) {
    await c.close();
    throw error;
  }
}

class Cluster {
  constructor(program, folder, sync) {
    Object.assign(this, {program, folder, sync, processes: new Map(), ports: new Map(), admin: new Map(), clients: [], waiting: new Map(), stopped: false});
  }

  async start() {
    await mkdir(this.folder, {recursive: true});
    await writeFile(join(this.folder, 'dns.key'), `key "updates" {\n\talgorithm hmac-sha256;\n\tsecret "${randomBytes(32).toString('base64')}";\n};\n`, {mode: 0o600});
    const dns = await this.startDNS();
    const key = randomBytes(32).toString('hex'), id = randomUUID();
    await writeFile(join(this.folder, 'token'), TOKEN, {mode: 0o600});
    for (const name of NODES) {
      this.admin.set(name, await freePort());
      const file = join(this.folder, `${name}.yaml`);
      await writeFile(file, configuration(id, key, dns, this.sync, this.admin.get(name), name === 'b'), {mode: 0o600});
      await this.startNode(name, file);
    }
    this.socket = createSocket('udp6');
    this.socket.on('message', (packet) => this.hear(packet));
    await new Promise((done) => this.socket.bind(0, '::1', done));
    await this.enter();
  }

  url(name) { return `http://127.0.0.1:${this.admin.get(name)}`; }

  async startDNS() {
    const folder = join(this.folder, 'dns'), port = await freePort();
    await mkdir(folder);
    const soa = '$TTL 60\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 60\n@ IN NS localhost.\n';
    const zones = ['example.net', '8.b.d.0.1.0.0.2.ip6.arpa'];
    for (const zone of zones) await writeFile(join(folder, zone), soa);
    await writeFile(join(folder, 'named.conf'), `
options { directory "${folder}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; pid-file "pid"; session-keyfile "session";
  managed-keys-directory "."; recursion no; notify no; dnssec-validation no; empty-zones-enable no; };
controls { };
include "${join(this.folder, 'dns.key')}";
${zones.map((z) => `zone "${z}" { type primary; file "${z}"; allow-update { key "updates"; }; allow-transfer { key "updates"; }; };`).join('\n')}
`, {mode: 0o600});
    await this.run('dns', 'named', ['-g', '-n', '1', '-c', join(folder, 'named.conf')], /all zones loaded/);
    return port;
  }

  async startNode(name, file) {
    const match = await this.run(name, this.program, ['serve', '--config', file, '--node', name, '--data', join(this.folder, name)],
      /"msg":"serving".*"listen":\["\[::1\]:(\d+)"/);
    this.ports.set(name, Number(match[1]));
  }

  /** run starts a program and returns when a line of its log matches. */
  async run(name, program, args, ready) {
    const child = spawn(program, args, {stdio: ['ignore', 'ignore', 'pipe']});
    this.processes.set(name, child);
    let log = '', failure = null;
    child.stderr.on('data', (piece) => { if (log.length < 1 << 20) log += piece; });
    child.on('error', (error) => { failure = error; });
    return eventually(`${program} ${name}`, () => {
      if (failure || child.exitCode !== null) throw new Error(`${program} ${args.join(' ')} ended: ${failure ?? log}`);
      return log.match(ready);
    });
  }

  /** enter makes clients, and lets them all get what they can. */
  async enter() {
    for (let number = 1; number <= 150; number++) {
      this.clients.push(newClient(number, '2001:db8:1::1', {name: number % 4 === 0 ? '' : `host-${number}`, prefix: true}));
    }
    Object.assign(this.clients[6], {name: HOSTILE, interfaceID: HOSTILE, remoteID: HOSTILE, hostile: true});
    for (let number = 200; number < 220; number++) this.clients.push(newClient(number, '2001:db8:2::1', {name: `guest-${number}`}));
    for (const client of this.clients) {
      for (let tries = 0; tries < 5 && !(await this.acquire(client)) && client.prefix; tries++);
    }
    for (const client of this.clients.slice(20, 24)) await this.say(client, RELEASE, REPLY);
    for (const client of this.clients.slice(20, 24)) client.leases = [];
  }

  /** acquire tells whether the client has got what it asked for. */
  async acquire(client) {
    const offers = (await this.say(client, SOLICIT, ADVERTISE, NODES.length)).filter((o) => o.leases.length > 0);
    if (offers.length === 0) return false;
    offers.sort((one, other) => Buffer.compare(one.server, other.server));
    Object.assign(client, {server: offers[client.number % offers.length].server, leases: offers[client.number % offers.length].leases});
    const [told] = await this.say(client, REQUEST, REPLY);
    client.leases = told?.leases ?? [];
    return client.leases.length > 0;
  }

  /** say sends a message to all nodes and collects answers: as many as are wanted, or those of a second or so. */
  async say(client, type, wanted, count = 1) {
    client.tries++;
    return this.send(client, type, wanted, count);
  }

  /** renew is a Renew that is repeated as long as nobody answers, some times. */
  async renew(client) {
    client.tries++;
    for (let again = 0; again < 5 && !this.stopped; again++) {
      if ((await this.send(client, RENEW, REPLY, 1)).length > 0) return;
    }
  }

  async send(client, type, wanted, count) {
    const packet = relayed(client, message(client, type, type === SOLICIT ? null : client.server, type === SOLICIT ? [] : client.leases));
    const heard = [];
    const all = new Promise((done) => {
      this.waiting.set(`${client.number} ${client.tries & 0xff}`, (a) => { if (a.type === wanted && heard.push(a) >= count) done(); });
    });
    for (const port of this.ports.values()) this.socket.send(packet, port, '::1');
    await Promise.race([all, sleep(count > 1 && client.link.startsWith('2001:db8:2') ? 300 : 1500)]);
    this.waiting.delete(`${client.number} ${client.tries & 0xff}`);
    return heard;
  }

  hear(packet) {
    const a = answer(packet);
    if (a) this.waiting.get(a.id)?.(a);
  }

  /** work lets clients renew, and ask for what they don't get, until close. */
  async work() {
    for (let turn = 0; !this.stopped; turn++) {
      const client = this.clients[(turn * 7) % this.clients.length];
      if (client.leases?.length > 0 && !client.busy) {
        client.busy = true;
        void this.renew(client).finally(() => { client.busy = false; });
      } else if (turn % 3 === 0 && !(client.leases?.length > 0)) void this.say(client, SOLICIT, ADVERTISE);
      await sleep(15 + 10 * Math.sin(turn / 150));
    }
  }

  /** kill ends a node as a power failure would. Its clients go on asking it. */
  async kill(name) {
    const child = this.processes.get(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  }

  async close() {
    this.stopped = true;
    for (const name of this.processes.keys()) await this.kill(name);
    this.socket?.close();
  }
}

function newClient(number, link, more) {
  const duid = Buffer.from([0, 3, 0, 1, 2, 0, 0, 0, number >> 8, number & 0xff]);
  return {number, link, duid, tries: 0, interfaceID: `ge-0/0/${number % 4}.${number}`, remoteID: `line-${number}`, prefix: false, ...more};
}

function configuration(id, key, dns, sync, admin, wantsToken) {
  return `cluster:
  id: ${id}
  model: identical
  key: "${key}"
  nodes: [{name: a, preference: 255}, {name: b, preference: 0}, {name: c, preference: 100}]
listen: {addresses: ["[::1]:0"]}
lifetimes: {preferred: 10m, valid: 20m}
limits: {messages-per-client: {per-second: 0}}
history: {keep: 30d}
dns:
  domain: clients.example.net
  zones:
    - {zone: example.net, servers: ["127.0.0.1:${dns}"], key: updates}
    - {zone: "2001:db8::/32", servers: ["127.0.0.1:${dns}"], key: updates}
  keys: [{name: updates, secret: "file:dns.key"}]
links:
  - name: pop1
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/52", length: 60}]
  - name: guests
    match: {link-addresses: ["2001:db8:2::/64"]}
    addresses: [{pool: "2001:db8:2::100-2001:db8:2::10f"}]
log: {leases: false}
store: {sync: ${sync}}
admin: {listen: "127.0.0.1:${admin}"${wantsToken ? ', read: token, token: "file:token"' : ''}}
`;
}

// node cluster.mjs PROGRAM FOLDER: only the cluster, to look at by hand, until it is interrupted.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const c = await open(process.argv[2], process.argv[3], 'always');
  process.on('SIGINT', () => void c.close());
  process.on('SIGTERM', () => void c.close());
  for (const name of NODES) console.log(name, `${c.url(name)}/ui/`);
  console.log('token of b', await readFile(join(process.argv[3], 'token'), 'utf8'));
  await c.work();
}
