// The parts of the page for phones, without a browser: who gets in, and what is bounded.
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import t, { type Test } from 'tap';
import { codeLines, codeStyleOf } from '../../src/phone/code.js';
import { html } from '../../src/phone/html.js';
import { type Page, startListener } from '../../src/phone/listener.js';
import { chosenAddress, localAddresses } from '../../src/phone/networks.js';
import { newSecret, open, seal } from '../../src/phone/seal.js';
import { languageOf, languages, say, textsOf } from '../../src/phone/texts.js';

const asked: string[] = [];
const page: Page = {
  sections: ['one'],
  title: () => 'Title',
  answer({ action, given, photo }) {
    asked.push(`${action} ${JSON.stringify(given)} ${photo?.length ?? '-'}`);
    return { sections: { one: html`<p>${'<secret>'}</p>` }, say: null, againMs: action === 'end' ? null : 1000 };
  },
};
const phoneId = 'a'.repeat(22);
const head = (changes: object = {}) => ({
  phone: phoneId,
  action: 'ask',
  given: {},
  language: 'de-AT',
  known: {},
  photo: false,
  ...changes,
});

async function started(t: Test, options: { silentMs?: number } = {}) {
  const secret = newSecret();
  const listener = await startListener({ addresses: ['127.0.0.1'], secret, page, ...options });
  t.teardown(() => listener[Symbol.asyncDispose]());
  const { origin } = new URL(listener.address);
  const post = async (sealed: Uint8Array, body: Uint8Array | null = null) => {
    const headers = { 'roomkin-request': Buffer.from(sealed).toString('base64url') };
    const response = await fetch(`${origin}/`, {
      method: 'POST',
      headers,
      body: body === null ? null : Buffer.from(body),
    });
    const nonce = Buffer.from(sealed.subarray(0, 24)).toString('base64url');
    const content = open(secret, `answer ${nonce}`, new Uint8Array(await response.arrayBuffer()));
    return { status: response.status, answer: content && JSON.parse(Buffer.from(content).toString()) };
  };
  const sealedHead = (changes: object = {}, key = secret) =>
    seal(key, 'request', Buffer.from(JSON.stringify(head(changes))));
  return { listener, secret, origin, post, sealedHead };
}

t.test('the page itself holds nothing, and has a strict policy', async (t) => {
  const { origin, listener } = await started(t);
  t.match(listener.address, /^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
  let firstPaint = 0;
  for (const path of [
    '/',
    '/page.css',
    '/page.js',
    '/noble/chacha.js',
    '/noble/_arx.js',
    '/noble/_poly1305.js',
    '/noble/utils.js',
  ]) {
    const { status, headers, bytes } = await get(origin, path);
    t.equal(status, 200, path);
    t.match(headers['content-security-policy'], /default-src 'none'; script-src 'self'; style-src 'self';/);
    t.equal(headers['set-cookie'], undefined);
    t.equal(headers['cache-control'], 'no-store');
    if (path === '/' || path === '/page.css') firstPaint += bytes;
  }
  t.ok(firstPaint < 30_000, `${firstPaint} bytes compressed before the first paint`);
  for (const path of ['/noble/aes.js', '/../package.json', '/x', '//', '/page.js?x'])
    t.equal((await get(origin, path)).status, 404, path);
  t.equal((await get(origin, '/', { host: 'rebound.example' })).status, 404, 'another name of this machine');
  t.strictSame(asked, []);
});

t.test('a request proves the secret, once; its answer is bound to it', async (t) => {
  const { post, sealedHead, secret } = await started(t);
  const sealed = sealedHead();
  const first = await post(sealed);
  t.equal(first.status, 200);
  t.match(first.answer, { sections: [{ id: 'one', html: '<p>&lt;secret&gt;</p>' }], againMs: 1000, full: false });
  t.equal((await post(sealed)).status, 404, 'a replay');
  const { version } = first.answer.sections[0];
  t.strictSame((await post(sealedHead({ known: { one: version } }))).answer.sections, [], 'only what is new');
  const photo = randomBytes(5000);
  const withPhoto = sealedHead({ action: 'photo', photo: true, given: { name: 'x.jpg' } });
  const nonce = Buffer.from(withPhoto.subarray(0, 24)).toString('base64url');
  t.equal((await post(withPhoto, seal(secret, `photo ${nonce}`, photo))).status, 200);
  t.equal(asked.at(-1), 'photo {"name":"x.jpg"} 5000');
  const other = sealedHead({ photo: true });
  t.equal((await post(other, seal(secret, `photo ${nonce}`, photo))).status, 404, 'a photo of another request');
  const long = sealedHead({ photo: true });
  const result = await post(long, new Uint8Array(8 << 20)).catch(() => ({ status: 404 }));
  t.equal(result.status, 404, 'a photo that is too large');
  const text = Buffer.from(withPhoto);
  t.notOk(text.includes('x.jpg'), 'sealed');
});

t.test('a wrong secret gets 404, and an address that guesses is refused', async (t) => {
  const { post, sealedHead } = await started(t);
  for (let i = 0; i < 20; i++) t.equal((await post(sealedHead({}, newSecret()))).status, 404);
  t.equal((await post(sealedHead())).status, 404, 'even with the right one, from this address');
  const another = await started(t);
  for (const sealed of [
    Buffer.from(''),
    Buffer.from('short'),
    seal(another.secret, 'request', Buffer.from('[]')),
    another.sealedHead({ phone: 'x' }),
  ])
    t.equal((await another.post(sealed)).status, 404);
  t.equal((await another.post(another.sealedHead())).status, 200);
});

t.test('one phone at a time', async (t) => {
  const { post, sealedHead } = await started(t, { silentMs: 300 });
  const before = asked.length;
  await post(sealedHead());
  const second = await post(sealedHead({ phone: 'b'.repeat(22), language: 'fr' }));
  t.match(second.answer.sections[0].html, /Un autre téléphone/);
  t.equal(asked.length, before + 1, 'the second one is not asked for anything');
  await new Promise((resolve) => setTimeout(resolve, 400));
  t.match((await post(sealedHead({ phone: 'b'.repeat(22) }))).answer.sections[0].html, /secret/);
});

t.test('the listener says when the phone has the last answer', async (t) => {
  const { post, sealedHead, listener } = await started(t);
  await post(sealedHead({ action: 'end' }));
  await listener.ended;
  t.pass('ended');
});

t.test('seals', async (t) => {
  const secret = newSecret();
  const sealed = seal(secret, 'request', Buffer.from('text'));
  t.equal(Buffer.from(open(secret, 'request', sealed)!).toString(), 'text');
  t.equal(open(secret, 'answer x', sealed), null, 'another purpose');
  t.equal(open(newSecret(), 'request', sealed), null, 'another secret');
  const altered = Buffer.from(sealed);
  altered[30]! ^= 1;
  t.equal(open(secret, 'request', altered), null);
  t.not(Buffer.compare(sealed, seal(secret, 'request', Buffer.from('text'))), 0, 'a nonce of its own');
  t.equal(typeof xchacha20poly1305, 'function');
});

t.test('only addresses of local networks', async (t) => {
  const entry = (address: string, family: 'IPv4' | 'IPv6' = 'IPv4') => [{ address, family }] as never;
  const interfaces = {
    lo: entry('127.0.0.1'),
    wlan0: entry('192.168.1.20'),
    eth0: entry('10.0.0.2'),
    docker0: entry('172.17.0.1'),
    ppp0: entry('84.12.1.1'),
    tun: entry('fd00::7', 'IPv6'),
    global: entry('2001:db8::1', 'IPv6'),
    link: entry('fe80::1', 'IPv6'),
  };
  t.strictSame(localAddresses(interfaces, 'wlan0'), ['192.168.1.20', '10.0.0.2', 'fd00::7']);
  t.throws(() => localAddresses({ ppp0: entry('84.12.1.1') }, 'ppp0'), { code: 'NETWORK_MISSING' });
  t.equal(chosenAddress('192.168.1.20'), '192.168.1.20');
  t.equal(chosenAddress('127.0.0.1'), '127.0.0.1');
  for (const wrong of ['0.0.0.0', '::', '84.12.1.1', '2001:db8::1', 'name', ''])
    t.throws(() => chosenAddress(wrong), { code: 'USAGE' }, wrong);
});

t.test('the code fits into 80 columns in every terminal', async (t) => {
  const address = `http://192.168.178.123:54321/#${'x'.repeat(43)}`;
  const dumb = codeLines(address, codeStyleOf(true, { TERM: 'dumb', LANG: 'C' }));
  t.ok(
    dumb.every((line) => /^[# ]{2,80}$/.test(line)),
    'ASCII',
  );
  t.match(dumb[0], /^#+$/, 'light modules are drawn on a dark terminal');
  const light = codeLines(address, codeStyleOf(true, { TERM: 'dumb', LANG: 'C', COLORFGBG: '0;15' }));
  t.match(light[0], /^ +$/, 'and dark ones on a light one');
  const blocks = codeLines(address, codeStyleOf(false, { LANG: 'C.UTF-8' }));
  t.ok(blocks.every((line) => [...line].length <= 48));
  const colours = codeLines(address, codeStyleOf(true, { TERM: 'xterm', LANG: 'C.UTF-8' }));
  t.ok(colours.every((line) => line.startsWith('\u001b[38;5;16;48;5;231m') && line.endsWith('\u001b[0m')));
  t.notOk(
    codeLines(address, codeStyleOf(true, { TERM: 'xterm', NO_COLOR: '1', LANG: 'C.UTF-8' }))
      .join('')
      .includes('\u001b'),
  );
});

t.test('texts in five languages, and values that are escaped', async (t) => {
  t.equal(languageOf('pt-BR, de-AT;q=0.8, en'), 'de');
  t.equal(languageOf('xx'), 'en');
  const placeholders = (text: string): string => [...text.matchAll(/\{\w+\}/g)].map(String).sort().join();
  for (const language of languages)
    for (const [key, text] of Object.entries(textsOf(language)))
      t.equal(placeholders(text), placeholders(textsOf('en')[key as 'lost']), `${language} ${key}`);
  t.equal(say('de', 'photosOf', { name: 'Ada' }), 'Fotos von Ada');
  const name = `<img src=x onerror="alert(1)">&'`;
  t.equal(
    html`<p title="${name}">${html`<b>${name}</b>`}</p>`.text,
    '<p title="&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;"><b>&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;</b></p>',
  );
});

function get(origin: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; bytes: number }>(
    (resolve, reject) => {
      const sent = httpRequest(origin, { path, headers: { 'accept-encoding': 'gzip', ...headers } }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, bytes }));
      });
      sent.once('error', reject);
      sent.end();
    },
  );
}
