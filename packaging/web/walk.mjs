// Walks through the page of a cluster's nodes in a browser, as people would: every view, on a desk and on a phone, light and dark, by keyboard.
// It fails on any error of a page's, any request that fails or leaves the node, any serious finding of axe-core, and on what clients say
// of themselves if that is ever taken for anything but text. Pictures stay in FOLDER/pictures.
//
//   node walk.mjs PROGRAM FOLDER
import assert from 'node:assert/strict';
import {mkdir, readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {chromium} from 'playwright-core';
import {eventually, HOSTILE, open, TOKEN} from './cluster.mjs';
import {PEERS, POOLS} from './seldom.mjs';

const [program, folder] = process.argv.slice(2);
const pictures = join(folder, 'pictures');
const SIZES = [{name: 'desk', width: 1280, height: 800}, {name: 'phone', width: 390, height: 844}, {name: 'narrow', width: 360, height: 640}];
const THEMES = ['light', 'dark'];
const HOSTILE_DUID = '00:03:00:01:02:00:00:00:00:07', REFUSED_DUID = '00:03:00:01:02:00:00:00:00:d8';
const VIEWS = {
  overview: ['#/overview', '.plot path.line', 'table tbody tr'],
  cluster: ['#/cluster', 'table tbody tr'],
  pools: ['#/pools', '.heat li.own', '.meter'],
  clients: ['#/clients?q=host-13*', 'table tbody tr'],
  client: [`#/client?duid=${encodeURIComponent(HOSTILE_DUID)}`, '.chronicle li', 'table tbody tr'],
  refused: [`#/client?duid=${encodeURIComponent(REFUSED_DUID)}`, '.chronicle li'],
  events: ['#/events', 'table tbody tr'],
};
const PATIENCE = 60_000; // milliseconds; the machine may have much else to do

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const faults = [];
const began = Date.now();
const step = (text) => console.log(`== ${text} (after ${Math.round((Date.now() - began) / 1000)} s)`);

/** visit opens a page that notes whatever goes wrong in it. */
async function visit(browser, origin, options = {}) {
  const context = await browser.newContext({reducedMotion: 'reduce', ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const note = (what) => faults.push(`${page.url()}: ${what}`);
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type()) && !(options.refused && m.text().includes('401'))) note(`console: ${m.text()}`); });
  page.on('pageerror', (e) => note(`error: ${e.message}`));
  page.on('dialog', (d) => { note(`dialog: ${d.message()}`); void d.dismiss(); });
  page.on('requestfailed', (r) => { if (r.failure()?.errorText !== 'net::ERR_ABORTED') note(`request: ${r.url()} ${r.failure()?.errorText}`); });
  page.on('request', (r) => { if (r.url() !== 'about:blank' && new URL(r.url()).origin !== origin) note(`asks ${r.url()}, which isn't the node`); });
  page.on('response', (r) => { if (r.status() >= 400 && !(options.refused && r.status() === 401)) note(`request: ${r.url()} ${r.status()}`); });
  return page;
}

/** judge holds what is shown against axe-core's rules. */
async function judge(page, what) {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
  for (const v of found.violations) {
    const text = `${what}: axe ${v.impact} ${v.id}: ${v.help}; ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary?.replaceAll('\n', ' ')}`).join(' | ')}`;
    if (v.impact === 'serious' || v.impact === 'critical') faults.push(text);
    else console.log(`   ${text}`);
  }
  if (found.passes.length === 0) faults.push(`${what}: axe looked at nothing`);
}

async function walk(browser, origin) {
  for (const size of SIZES) {
    for (const theme of size.name === 'narrow' ? ['light'] : THEMES) {
      const page = await visit(browser, origin, {viewport: {width: size.width, height: size.height}, colorScheme: theme, hasTouch: size.name !== 'desk', isMobile: size.name !== 'desk'});
      await page.goto(`${origin}/`);
      await page.waitForFunction(() => document.querySelectorAll('.plot path.line').length > 3); // two looks have been compared
      await page.waitForTimeout(size.name === 'desk' ? 4000 : 0); // for the picture: a longer line
      for (const [name, [hash, ...wanted]] of Object.entries(VIEWS)) {
        await page.evaluate((to) => { location.hash = to; }, hash);
        for (const selector of wanted) await page.locator(selector).first().waitFor();
        if (size.name !== 'narrow') await judge(page, `${size.name} ${theme} ${name}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) faults.push(`${size.name} ${theme} ${name}: the page is ${wide} pixels wider than the screen`);
        await page.screenshot({path: join(pictures, `${size.name}-${theme}-${name}.png`), fullPage: size.name !== 'desk' || name === 'client' || name === 'overview'});
      }
      await page.context().close();
    }
  }
}

/** keys goes to a view, into it, and to every control by the keyboard alone. */
async function keys(browser, origin) {
  const page = await visit(browser, origin, {viewport: {width: 1280, height: 800}});
  await page.goto(`${origin}/ui/`);
  await page.locator('.plot path.line').first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'skip', 'the first stop is the skip link');
  assert.ok(await page.evaluate(() => document.activeElement.getBoundingClientRect().top >= 0), 'the skip link is seen when it has the focus');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.locator('#nav a[data-view=clients]').focus();
  await page.keyboard.press('Enter');
  await page.locator('#what').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1', 'a new view begins at its heading');
  const stops = new Set();
  for (let i = 0; i < 400; i++) { // forward until the document ends: nothing holds the focus
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (e === document.body) return 'body';
      const outline = getComputedStyle(e);
      if (outline.outlineStyle === 'none' || outline.outlineWidth === '0px') throw new Error(`no visible focus on ${e.outerHTML}`);
      return e.id || e.textContent;
    });
    if (at === 'body' || stops.has(at) && at === 'skip') break;
    stops.add(at);
  }
  assert.ok(stops.has('what') && stops.has('by') && stops.has('live') && stops.size < 395, `the keyboard reaches ${stops.size} stops, and gets out again`);
  await page.locator('#what').fill(HOSTILE_DUID);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('.view table tbody tr').length === 2);
  await page.locator('#theme').selectOption('dark');
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
  await page.reload();
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark', 'the theme outlives a reload');
  await page.context().close();
}

/** search finds one client by whatever it is known by. */
async function search(browser, origin, client) {
  const page = await visit(browser, origin, {viewport: {width: 1280, height: 800}});
  await page.goto(`${origin}/ui/#/clients`);
  for (const text of [client.lease, client.prefix, client.duid, client.duid.replaceAll(':', ''), client.hardware_address, client.name, client.name.slice(0, 8), `4491:${client.remote}`, client.remote]) {
    await page.goto(`${origin}/ui/#/clients?q=${encodeURIComponent(text)}`);
    await page.waitForFunction(([duid, name]) => {
      const rows = [...document.querySelectorAll('.view table tbody tr')];
      return rows.length > 0 && rows.every((r) => r.textContent.includes(duid) || r.textContent.includes(name));
    }, [client.duid, client.name]).catch((e) => { throw new Error(`${text} doesn't find ${client.duid}: ${e.message}`); });
  }
  await page.goto(`${origin}/ui/#/client?duid=${encodeURIComponent(client.duid)}`);
  await page.locator('.chronicle li').first().waitFor();
  const story = await page.locator('main').innerText();
  for (const part of [client.lease, client.prefix, client.name, 'its address', 'its name', client.interfaceID]) assert.ok(story.includes(part), `the story has no ${part}:\n${story}`);
  await page.context().close();
}

/** hostile looks at a client that calls itself a program, at the node and in answers that are made worse than the node would ever give. */
async function hostile(browser, origin) {
  const page = await visit(browser, origin, {viewport: {width: 1280, height: 800}});
  await page.route('**/v1/{bindings,history,refusals,events,peers,pools}*', async (route) => {
    const answer = await route.fetch();
    const text = await answer.text();
    const quoted = JSON.stringify(HOSTILE).slice(1, -1);
    await route.fulfill({response: answer, body: text.replaceAll(/"(name|pool|link|why|message|reason)":"[^"]+"/g, (_, field) => `"${field}":"${quoted}"`)});
  });
  for (const [hash, ...wanted] of Object.values(VIEWS)) {
    await page.goto(`${origin}/ui/${hash}`);
    for (const selector of wanted) await page.locator(selector).first().waitFor();
    assert.ok((await page.locator('main').innerText()).includes(HOSTILE), `${hash}: what the client says is shown as text`);
    assert.equal(await page.locator('main img, main script, main iframe, main svg[onload]').count(), 0, `${hash}: what the client says became an element`);
    assert.ok(!(await page.title()).includes('taken'), `${hash}: what the client says ran`);
  }
  page.removeAllListeners('console'); // the browser tells there what it blocks
  const blocked = await page.evaluate(() => { try { document.body.innerHTML = '<p>'; return false; } catch { return true; } });
  assert.ok(blocked, 'the policy lets a text become HTML');
  await page.context().close();
}

/** seldom looks at what a cluster has in bad hours only. */
async function seldom(browser, origin) {
  for (const size of SIZES.slice(0, 2)) {
    for (const theme of THEMES) {
      const page = await visit(browser, origin, {viewport: {width: size.width, height: size.height}, colorScheme: theme});
      await page.route('**/v1/peers', (route) => route.fulfill({json: PEERS}));
      await page.route('**/v1/pools', (route) => route.fulfill({json: {pools: POOLS}}));
      for (const [hash, ...words] of [['#/cluster', 'Another server answers under the name a', 'back seat', 'until 2030-01-01', 'path broken', 'another configuration', 'the store was empty', '42.0 % of T1',
        'sends Requests to the chosen server only', 'holds it', '3 mended', 'Servers outside of the cluster', 'Former nodes'], ['#/pools', 'retiring', 'part of b', 'stripe 1, node b', '2^64']]) {
        await page.goto(`${origin}/ui/${hash}`);
        for (const word of words) await page.locator('main').getByText(word).first().waitFor();
        await judge(page, `seldom ${size.name} ${theme} ${hash}`);
        await page.screenshot({path: join(pictures, `${size.name}-${theme}-seldom-${hash.slice(2)}.png`), fullPage: true});
      }
      await page.unroute('**/v1/peers');
      await page.route('**/v1/peers', (route) => route.fulfill({json: {...PEERS, node: '', peers: null, gates: null}}));
      await page.goto('about:blank');
      await page.goto(`${origin}/ui/#/cluster`);
      await page.getByText('A single node has no peers').waitFor();
      await page.context().close();
    }
  }
}

/** figures holds what the page computes by itself against what is known of it. */
async function figures(browser, origin) {
  const page = await visit(browser, origin);
  await page.goto(`${origin}/ui/`);
  const got = await page.evaluate(async () => {
    const {quantile, rates} = await import('/ui/measure.js'), {guesses} = await import('/ui/clients.js'), f = await import('/ui/format.js');
    const histogram = (...counts) => ({count: counts.at(-1), buckets: counts.slice(0, -1).map((count, i) => ({le: i + 1, count}))});
    const before = histogram(5, 10, 10), now = histogram(14, 19, 20);
    return {
      quantiles: [quantile(before, now, 0.5), quantile(before, now, 0.9), quantile(before, now, 0.99), quantile(now, now, 0.5), quantile(before, {count: 20, buckets: []}, 0.5)],
      rates: rates({Renew: 10, Solicit: 4}, {Renew: 30, Solicit: 4, Request: 2}, 2),
      guesses: ['00:04:01:02:03:04:05:06', '02-00-00-00-00-01', '2001:db8::/32', '2001:db8::1', '0003000102000000', 'laptop', '*.example.net'].map((t) => Object.keys(guesses(t)[0])[0]),
      texts: [f.span(3661), f.span(60), f.span(0), f.seconds(0.00012), f.seconds(0.5), f.percent(1e-9), f.percent(1), f.slots('18446744073709551616'), f.slots('256'), f.rate(0.04), f.rate(1234.5)],
    };
  });
  assert.deepEqual(got, {
    quantiles: [1, 1, 2, null, null],
    rates: [{name: 'Renew', per: 10}, {name: 'Request', per: 1}],
    guesses: ['duid', 'hardware_address', 'lease', 'lease', 'duid', 'name', 'name'],
    texts: ['1 h 1 min', '1 min', '0 s', '120 µs', '500 ms', '<0.1 %', '100.0 %', '2^64', '256', '0.0', '1,235'],
  });
  await page.context().close();
}

/** token asks a node that wants one. */
async function token(browser, origin) {
  for (const theme of THEMES) {
    const page = await visit(browser, origin, {viewport: {width: 390, height: 844}, colorScheme: theme, refused: true});
    await page.goto(`${origin}/`);
    await page.locator('#token').fill('not the token, but long enough to be one');
    await judge(page, `token ${theme}`);
    await page.screenshot({path: join(pictures, `phone-${theme}-token.png`)});
    await page.keyboard.press('Enter');
    await page.getByText('the token isn’t this node’s'.replaceAll('’', "'")).waitFor();
    await page.locator('#token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.locator('.plot').first().waitFor();
    await page.reload();
    await page.locator('#node', {hasText: 'node b'}).waitFor();
    const kept = await page.evaluate(() => [JSON.stringify(localStorage), document.cookie]);
    assert.ok(!kept.join().includes(TOKEN), 'the token is kept for longer than the tab');
    await page.locator('#forget').click();
    await page.locator('#token').waitFor();
    await page.context().close();
  }
}

/** silence looks at the cluster after a node has died, and at a page whose own node has. */
async function silence(browser, cluster) {
  await cluster.kill('c');
  const origin = cluster.url('a');
  const page = await visit(browser, origin, {viewport: {width: 1280, height: 800}});
  await page.goto(`${origin}/ui/#/cluster`);
  await page.locator('td .badge.bad', {hasText: 'silent'}).waitFor({timeout: 3 * PATIENCE});
  await page.locator('summary').last().click();
  await judge(page, 'cluster with a silent node');
  await page.screenshot({path: join(pictures, 'desk-light-silent.png'), fullPage: true});
  await page.goto('about:blank');
  page.removeAllListeners();
  await page.goto(`${origin}/ui/#/overview`);
  await page.locator('.plot path.line').first().waitFor();
  await cluster.kill('a');
  await page.locator('#notice', {hasText: 'doesn’t answer'}).waitFor();
  await judge(page, 'a page whose node has died');
  await page.screenshot({path: join(pictures, 'desk-light-dead.png')});
  await page.context().close();
}

await mkdir(pictures, {recursive: true});
step('a cluster of three nodes, BIND, and their clients');
const cluster = await open(program, join(folder, 'cluster'));
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium', headless: true,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
}); // with a new --user-data-dir in TMPDIR, which goes when the browser ends
try {
  const origin = cluster.url('a'), working = cluster.work();
  const ask = async (path) => (await fetch(origin + path)).json();
  const story = await eventually('a client that has all', async () => {
    const {bindings} = await ask('/v1/bindings?whose=all&hardware_address=02:00:00:00:00:0d');
    const one = bindings.find((b) => b.kind === 'IA_NA'), prefix = bindings.find((b) => b.kind === 'IA_PD');
    const dns = one && await ask(`/v1/dns/records?lease=${one.lease}`);
    return prefix && dns?.questions.every((q) => q.data.length > 0) && {...one, prefix: prefix.lease, remote: 'line-13', interfaceID: one.interface_id};
  });
  for (const [what, does] of [['every view', () => walk(browser, origin)], ['the keyboard', () => keys(browser, origin)], ['search', () => search(browser, origin, story)],
    ['hostile clients', () => hostile(browser, origin)], ['figures', () => figures(browser, origin)], ['bad hours', () => seldom(browser, origin)], ['a token', () => token(browser, cluster.url('b'))], ['a node dies', () => silence(browser, cluster)]]) {
    step(what);
    await does().catch((error) => faults.push(`${what}: ${error.stack}`));
  }
  cluster.stopped = true;
  await working;
} finally {
  await browser.close();
  await cluster.close();
}
for (const fault of faults) console.error(fault);
console.log(`pictures: ${pictures}`);
process.exit(faults.length > 0 ? 1 : 0);
