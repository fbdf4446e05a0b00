// Asks the node. A token stays in this tab, and goes to the node that served the page and to nobody else.
const KEY = 'lockstep6-token';
const PATIENCE = 15_000; // milliseconds

let token = '';
try { token = sessionStorage.getItem(KEY) ?? ''; } catch { /* it is kept in memory only */ }

/** hasToken tells whether there is one to forget. */
export const hasToken = () => token !== '';

/** setToken takes a token, or forgets it where it is empty. */
export function setToken(text) {
  token = text;
  try {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch { /* as above */ }
}

/** A Refusal is an answer that isn't the one that was asked for. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.error ?? `the node answers ${status}`);
    Object.assign(this, {status, remedy: problem.remedy ?? ''});
  }
}

async function ask(path, parameters, signal) {
  const query = new URLSearchParams(Object.entries(parameters ?? {}).filter(([, v]) => v !== '' && v !== undefined));
  const url = new URL(`..${path}${query.size > 0 ? '?' + query : ''}`, document.baseURI);
  const limits = [AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])];
  const answer = await fetch(url, {
    headers: token ? {Authorization: `Bearer ${token}`} : {}, cache: 'no-store', credentials: 'omit', redirect: 'error', signal: AbortSignal.any(limits),
  });
  if (answer.ok) return answer;
  throw new Refusal(answer.status, await answer.json().catch(() => ({})));
}

/** get is the JSON of an answer. */
export async function get(path, parameters, signal) { return (await ask(path, parameters, signal)).json(); }

/** lines is what a stream of JSON objects has, one a line; the last most of them. */
export async function lines(path, parameters, signal) {
  const text = await (await ask(path, parameters, signal)).text();
  return text.split('\n').filter((l) => l !== '').map((l) => JSON.parse(l));
}

/** all goes through the pages of an answer, up to so many bindings. */
export async function bindings(parameters, most, signal) {
  let found = [], cursor;
  do {
    const page = await get('/v1/bindings', {whose: 'all', limit: 100, ...parameters, cursor}, signal);
    found = found.concat(page.bindings);
    cursor = page.next;
  } while (cursor && found.length < most);
  return {found: found.slice(0, most), more: Boolean(cursor) || found.length > most};
}
