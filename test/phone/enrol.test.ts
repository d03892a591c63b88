// Enrolment from a phone, end to end: the real command with the real models, and a real browser with the window of a phone.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { type CliResult, collect, runVerb, spawnCli } from '../helpers/cli.js';
import { overflow, violations } from './accessible.js';
import { noBrowser, openPhone } from './browser.js';
import { drawGroup, drawPhotos } from './drawn-photos.js';
import { filesWith, newInTmp, tracesOf } from './traces.js';

t.setTimeout(600_000);
// The cases wait for each other's browser and models much of the time.
t.jobs = 3;
const skip = noBrowser;
const parallel = { skip, buffered: true };
const patienceMs = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'roomkin-phone-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]): string => join(folder, ...names);
mkdirSync(at('tmp'));

/** A room with a gallery of its own: the path of its configuration. */
function room(id: string): string {
  const config = at(`${id}.toml`);
  const store = at(id, 'store');
  writeFileSync(config, `[room]\nid = "lab"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${store}"\n`);
  return config;
}

/** A room in which Ada is enrolled: a copy of the first one. */
async function roomOfAda(id: string): Promise<string> {
  adas ??= enrolAda();
  const config = room(id);
  cpSync(await adas, at(id, 'store'), { recursive: true });
  return config;
}

let adas: Promise<string> | null = null;

/** The state directory of a room in which Ada is enrolled. */
async function enrolAda(): Promise<string> {
  const config = room('adas');
  const photos = await drawPhotos(at('adas', 'ada'), 'ada', 3);
  const { code, stderr } = await runVerb(['enrol', 'Ada', '--photos', ...photos, '--config', config]);
  t.equal(code, 0, stderr);
  return at('adas', 'store');
}

async function names(config: string): Promise<string[]> {
  const { stdout } = await runVerb(['people', '--json', '--config', config]);
  return JSON.parse(stdout).people.map(({ name }: { name: string }) => name);
}

interface Running {
  readonly address: string;
  /** Ctrl-C. */
  interrupt(): void;
  readonly ended: Promise<CliResult>;
}

const addressIn = (text: string): string | undefined => /http:\S+#[\w-]{43}/.exec(text)?.[0];
const argumentsOf = (config: string, name: string, more: readonly string[]): string[] => [
  ...['enrol', name, '--phone', '--address', '127.0.0.1', '--config', config],
  ...more,
];

/** `roomkin enrol NAME --phone` in this process with the engine that the cases share, once it waits for the phone. */
async function start(config: string, name: string, ...args: string[]): Promise<Running> {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  let tell = (_address: string): void => {};
  const told = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const ended = runVerb(argumentsOf(config, name, args), {
    signal: stop.signal,
    onOutput(text) {
      const address = addressIn(text);
      if (address !== undefined) tell(address);
    },
  });
  const failed = ended.then(({ stdout, stderr }) => {
    throw new Error(`no address: ${stdout}${stderr}`);
  });
  return { address: await Promise.race([told, failed]), interrupt: () => stop.abort(), ended };
}

/** The same as a process of its own. */
async function startProcess(config: string, name: string): Promise<Running> {
  const child = spawnCli(argumentsOf(config, name, []), { TMPDIR: at('tmp') });
  t.teardown(() => child.kill('SIGKILL'));
  const { written, ended } = collect(child);
  for (const end = Date.now() + patienceMs; ; await wait(50)) {
    const address = addressIn(written.stdout + written.stderr);
    if (address !== undefined) return { address, interrupt: () => child.kill('SIGINT'), ended };
    if (Date.now() > end || child.exitCode !== null) throw new Error(`no address: ${written.stdout}${written.stderr}`);
  }
}

const isOpen = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

t.test('five photos, a group photo and a lost connection', { skip }, async (t) => {
  const photos = await drawPhotos(at('ada'), 'ada', 5);
  const group = await drawGroup(at('group.jpg'));
  const config = room('first');
  const startMs = performance.now();
  const startedMs = Date.now();
  const before = new Set(readdirSync('/tmp'));
  const { address, ended } = await startProcess(config, 'Ada');
  const { page, context, complaints } = await openPhone(address);
  /** The photos as they travel: JPEGs that the browser made. */
  const sent: Buffer[] = [];
  await page.exposeFunction('keep', (bytes: number[]) => sent.push(Buffer.from(bytes)));
  await page.evaluate(() => {
    const original = Blob.prototype.arrayBuffer;
    Blob.prototype.arrayBuffer = async function (this: Blob) {
      const buffer = await original.call(this);
      await (globalThis as unknown as { keep(bytes: number[]): Promise<void> }).keep([...new Uint8Array(buffer)]);
      return buffer;
    };
  });
  await page.getByRole('heading', { name: 'Photos of Ada' }).waitFor();
  t.equal(new URL(page.url()).hash, '', 'the secret is not in the address any more');
  t.strictSame(await violations(page), [], 'axe-core finds nothing before a photo');
  const chooser = page.locator('input[multiple]');
  await chooser.setInputFiles(photos.slice(0, 2));
  await page.getByText('Accepted: 2.').waitFor();

  await context.setOffline(true);
  await chooser.setInputFiles([...photos.slice(2), group]);
  await page.getByText('The connection is lost').waitFor();
  await context.setOffline(false);
  await page.getByText('Accepted: 5. Refused: 1. Waiting: 0.').first().waitFor();
  t.notOk(await page.locator('#connection').isVisible(), 'the connection is back');
  await page.getByText('2 faces: only one may be on the photo').waitFor();
  t.strictSame(await violations(page), [], 'axe-core finds nothing with photos');
  t.equal(await overflow(page), 0, 'nothing is wider than the window');
  if (process.env['ROOMKIN_SCREENSHOTS'])
    await page.screenshot({ path: join(process.env['ROOMKIN_SCREENSHOTS'], 'phone-enrolment.png'), fullPage: true });

  await page.reload();
  await page.getByText('Accepted: 5. Refused: 1.').first().waitFor();
  t.strictSame(await names(config), [], 'nothing is stored before the end');
  await page.getByRole('button', { name: 'Done: enrol Ada' }).click();
  await page.getByText('Ada is enrolled.').first().waitFor();
  await page.getByText('Ada will be recognised (5 of 5 photos pass the test).').waitFor();
  t.strictSame(await violations(page), [], 'axe-core finds nothing at the end');
  const { code, stdout, stderr } = await ended;
  const seconds = (performance.now() - startMs) / 1000;
  t.comment(`from the command to the end: ${seconds.toFixed(1)} s`);
  t.equal(code, 0, stderr);
  t.match(stdout, /Ada \(ada\): 5 photos accepted/);
  t.match(stdout, /Ada will be recognised/);
  t.strictSame(await names(config), ['Ada']);
  const shown = JSON.parse((await runVerb(['show', 'Ada', '--json', '--config', config])).stdout);
  t.match(
    shown.templates.map(({ file }: { file: string }) => file),
    photos.map((_, i) => `ada-${i}.jpg`),
    'the names of the files are kept',
  );
  t.notOk(await isOpen(address), 'the port is closed');
  t.strictSame(complaints, [], 'no error and nothing against the security policy');
  t.ok(sent.length >= 6);
  const traces = tracesOf(sent);
  t.strictSame(
    filesWith(traces, [at('first', 'store'), at('tmp'), ...newInTmp(before)], startedMs),
    [],
    'no byte of a photo is in a file',
  );
  writeFileSync(at('control.bin'), sent[0]!);
  t.strictSame(filesWith(traces, [folder], startedMs), [at('control.bin')], 'the search finds a photo that is there');
  await context.close();
});

t.test('the closest person, names with markup, and another language', parallel, async (t) => {
  const config = await roomOfAda('language');
  const photos = await drawPhotos(at('grace'), 'grace', 2);
  const name = "Grace & ' O’Hara";
  const { address, ended } = await start(config, name);
  const { page, context, complaints } = await openPhone(address, { locale: 'de-DE', colorScheme: 'dark' });
  await page.getByRole('heading', { name: `Fotos von ${name}` }).waitFor();
  t.equal(await page.locator('img').count(), 0, 'the name is text');
  t.equal(await page.locator('html').getAttribute('lang'), 'de');
  await page.locator('input[multiple]').setInputFiles(photos);
  await page.getByText('Angenommen: 2.').first().waitFor();
  t.strictSame(await violations(page), [], 'axe-core finds nothing in the dark');
  await page.getByRole('button', { name: 'Fertig' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Am nächsten ist Ada').waitFor();
  const { code, stdout } = await ended;
  t.equal(code, 0);
  t.match(stdout, /Closest is Ada \(similarity/);
  t.strictSame(complaints, []);
  await context.close();
});

t.test('who looks like somebody else is not enrolled; cancel ends with nothing', parallel, async (t) => {
  const config = await roomOfAda('alike');
  const photos = await drawPhotos(at('again'), 'ada', 2);
  const { address, ended } = await start(config, 'Zoe', '--json');
  const { page, context } = await openPhone(address);
  await page.locator('input[multiple]').setInputFiles(photos);
  await page.getByText('Accepted: 2.').first().waitFor();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByText('The photos look like Ada').first().waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Nothing was stored.').first().waitFor();
  const { code, stdout } = await ended;
  t.equal(code, 65);
  t.match(JSON.parse(stdout), { error: { code: 'LOOKS_MISSING' } });
  t.strictSame(await names(config), ['Ada']);
  await context.close();
});

t.test('two phones, a wrong secret, an address that has ended', parallel, async (t) => {
  const config = room('two');
  const { interrupt, address, ended } = await startProcess(config, 'Eve');
  const first = await openPhone(address);
  await first.page.getByRole('heading', { name: 'Photos of Eve' }).waitFor();
  const second = await openPhone(address);
  await second.page.getByText('Another phone uses this page.').first().waitFor();
  t.equal(await second.page.locator('input').count(), 0, 'the second one sees nothing of the first');
  const { origin } = new URL(address);
  const wrong = await openPhone(`${origin}/#${'A'.repeat(43)}`);
  await wrong.page.getByText('This link is not valid any more').waitFor();
  const short = await openPhone(`${origin}/`);
  await short.page.getByText('The address is not complete').waitFor();
  t.strictSame(await violations(short.page), []);
  interrupt();
  t.equal((await ended).code, 130);
  t.notOk(await isOpen(address), 'Ctrl-C closes the port');
  const late = await openPhone(address);
  t.match(late.complaints.join(), /ERR_CONNECTION_REFUSED/);
  t.strictSame(await names(config), []);
  for (const { context } of [first, second, wrong, short, late]) await context.close();
});

t.test('a photo of 48 megapixels, turned by its EXIF, and a file that is none', parallel, async (t) => {
  const [photo] = await drawPhotos(at('large'), 'grace', 1);
  const large = at('large.jpg');
  // Stored lying on its side; the EXIF orientation 6 turns it upright.
  await sharp(photo)
    .resize(6048, 8064)
    .rotate(270)
    .jpeg({ quality: 80 })
    .withMetadata({ orientation: 6 })
    .toFile(large);
  writeFileSync(at('none.jpg'), 'no picture');
  const { interrupt, address, ended } = await start(room('large'), 'Max');
  const { page, context } = await openPhone(address);
  const bodies: number[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') bodies.push(request.postDataBuffer()?.length ?? 0);
  });
  await page.locator('input[multiple]').setInputFiles([large, at('none.jpg')]);
  await page.getByText('Accepted: 1. Refused: 1. Waiting: 0.').first().waitFor();
  await page.getByText('this photo cannot be read').waitFor();
  t.ok(Math.max(...bodies) < 2 << 20, `${Math.max(...bodies)} bytes travelled`);
  interrupt();
  t.equal((await ended).code, 130);
  await context.close();
});

t.test('302 photos, most of them copies: each is counted, and the limit is told', parallel, async (t) => {
  const config = room('many');
  mkdirSync(at('many'), { recursive: true });
  const photos: string[] = [];
  for (const person of ['ada', 'grace'] as const) {
    const [photo] = await drawPhotos(at('many', person), person, 1);
    photos.push(
      await sharp(photo)
        .resize(240, 300)
        .toFile(at('many', `${person}.jpg`))
        .then(() => at('many', `${person}.jpg`)),
    );
  }
  const { interrupt, address, ended } = await start(config, 'Ada');
  const { page, context, complaints } = await openPhone(address);
  await page.locator('input[multiple]').setInputFiles(Array.from({ length: 302 }, (_, i) => photos[i % 2]!));
  await page.getByText('Accepted: 1. Refused: 300. Waiting: 0.').first().waitFor();
  await page.getByText('there are 300 photos already').waitFor();
  t.equal(await page.locator('#photos li').count(), 30, 'the last ones are listed');
  t.strictSame(complaints, []);
  interrupt();
  t.equal((await ended).code, 130);
  await context.close();
});

t.test('without a photo for ten minutes the page ends', async (t) => {
  const config = room('late');
  let hurriedMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + hurriedMs };
  let address: string | undefined;
  const { code, stdout, stderr } = await runVerb(
    ['enrol', 'Ada', '--phone', '--address', '127.0.0.1', '--json', '--config', config],
    {
      clock,
      onStderr(text) {
        address ??= /http:\S+#[\w-]{43}/.exec(text)?.[0];
        if (address !== undefined) hurriedMs = 600_000;
      },
    },
  );
  t.equal(code, 65, stderr);
  t.match(JSON.parse(stdout), { error: { code: 'LOOKS_MISSING', message: /no photo came for 10 minutes/ } });
  t.notOk(await isOpen(address!), 'the port is closed');
  t.strictSame(await names(config), []);
});
