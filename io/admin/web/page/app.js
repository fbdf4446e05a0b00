// The page: which view is shown, and what is the same in all of them.
import {get, hasToken, setToken} from './api.js';
import * as client from './client.js';
import * as clients from './clients.js';
import * as cluster from './cluster.js';
import {h, say, set, show} from './dom.js';
import * as events from './events.js';
import {badge, clock} from './format.js';
import * as overview from './overview.js';
import * as pools from './pools.js';
import {forget, look, seen, start, wanted} from './watch.js';

const views = {overview, cluster, pools, clients, client, events};
const tabs = ['overview', 'cluster', 'pools', 'clients', 'events'];
const at = (id) => document.getElementById(id);

let update = () => {}, asking = false, first = true;

/** route shows the view that the address names. */
function route() {
  const [name, query] = location.hash.replace(/^#\/?/, '').split('?');
  const view = views[name] ?? overview, key = Object.keys(views).find((k) => views[k] === view);
  update.close?.();
  Object.assign(wanted, {pools: Infinity, peers: Infinity, dns: Infinity}, view.wants);
  for (const link of at('nav').querySelectorAll('a')) {
    if (link.dataset.view === (view.under ?? key)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const heading = h('h1', {tabindex: '-1'}, view.title), body = h('div', {class: `view ${key}`});
  at('main').replaceChildren(heading, body);
  document.title = `${view.title} · ${seen.state?.node || 'lockstep6'}`;
  update = view.open(body, new URLSearchParams(query ?? ''));
  update();
  if (!first) heading.focus({preventScroll: true});
  if (!first) window.scrollTo(0, 0);
  first = false;
  void look();
}

/** refresh takes in what the node said last. */
function refresh() {
  const s = seen.state, error = seen.error;
  if (error?.status === 401 && !asking) askForToken(error);
  set(at('node'), s ? (s.node ? `node ${s.node}` : 'single node') : '');
  const how = !s ? '' : error ? 'silent' : s.ready ? 'ready' : 'not ready';
  show(at('state'), [how, s?.version, s?.not_ready], () => (s ? [h('span', null, badge(how === 'ready' ? 'good' : 'bad', how === 'silent' ? 'no answer' : how)), h('span', {class: 'version'}, s.version)] : []));
  let notice = '';
  if (error && error.status !== 401) notice = `The node doesn’t answer${why(error)}.${seen.at ? ` Shown is what it said at ${clock(seen.at)}.` : ''}`;
  else if (s && !s.ready) notice = `The node isn’t ready: ${s.not_ready}`;
  set(at('notice'), notice);
  at('forget').hidden = !hasToken();
  if (!asking) {
    if (s && !document.title.endsWith(s.node || 'lockstep6')) document.title = `${at('main').querySelector('h1')?.textContent ?? ''} · ${s.node || 'lockstep6'}`;
    update();
  }
}

/** why is what a failure says: a browser's own words for no connection say nothing. */
function why(error) {
  if (error.status) return `: ${error.message}${error.remedy ? `; ${error.remedy}` : ''}`;
  return error.name === 'TimeoutError' ? ' in time' : '';
}

/** askForToken puts a form in the place of the view until a token does. */
function askForToken(refusal) {
  asking = true;
  const wrong = h('p', {class: 'alarm bad', role: 'alert', hidden: !hasToken()}, refusal.message);
  const input = h('input', {id: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'token-hint'});
  const form = h('form', {class: 'token'}, h('label', {for: 'token'}, 'Token'), input,
    h('p', {class: 'hint', id: 'token-hint'}, 'The one that admin.token of the node’s configuration names. It stays in this tab, and goes when the tab is closed.'), wrong, h('button', {type: 'submit'}, 'Go on'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    setToken(input.value.trim());
    try {
      await get('/v1/state');
      forget();
      asking = false;
      route();
    } catch (error) {
      setToken('');
      wrong.hidden = false;
      set(wrong, `${error.message}${error.remedy ? `; ${error.remedy}` : ''}`);
      input.select();
    }
  });
  update.close?.();
  update = () => {};
  at('main').replaceChildren(h('h1', {tabindex: '-1'}, 'A token is wanted'), h('p', null, 'This node tells only those who have its token.'), form);
  document.title = 'A token is wanted · lockstep6';
  input.focus();
}

function prepare() {
  at('nav').append(...tabs.map((name) => h('li', null, h('a', {href: `#/${name}`, 'data-view': name}, views[name].title))));
  const theme = at('theme');
  theme.value = document.documentElement.dataset.theme ?? '';
  theme.addEventListener('change', () => {
    if (theme.value) document.documentElement.dataset.theme = theme.value;
    else delete document.documentElement.dataset.theme;
    try { localStorage.setItem('lockstep6-theme', theme.value); } catch { /* it holds until the tab is closed */ }
  });
  at('pause').addEventListener('click', () => {
    seen.paused = !seen.paused;
    at('pause').setAttribute('aria-pressed', String(seen.paused));
    say(seen.paused ? 'What is shown stays as it is' : 'What is shown is kept up to date');
    void look();
  });
  at('forget').addEventListener('click', () => {
    setToken('');
    forget();
    seen.state = null;
    void look();
  });
  at('skip').addEventListener('click', (event) => {
    event.preventDefault(); // the address names a view
    at('main').focus();
  });
  window.addEventListener('hashchange', () => { if (!asking) route(); });
}

prepare();
start(refresh);
route();
