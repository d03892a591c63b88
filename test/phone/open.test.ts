// `roomkin open` end to end: a real daemon with the real models sees drawn people; a real browser with the window of a phone.
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import t from 'tap';
import { daemonSocket } from '../../src/commands/parts.js';
import { loadConfig } from '../../src/config/load.js';
import { askDaemon } from '../../src/control/client.js';
import type { FacePictureAnswer } from '../../src/control/protocol.js';
import { runVerb, spawnCli } from '../helpers/cli.js';
import { shortFolder } from '../helpers/short-folder.js';
import { overflow, violations } from './accessible.js';
import { noBrowser, openPhone } from './browser.js';
import { drawFrames, drawPhotos } from './drawn-photos.js';
import { filesWith, newInTmp, tracesOf } from './traces.js';

t.setTimeout(600_000);
const patienceMs = 120_000;
const folder = shortFolder(t);
const at = (...names: string[]): string => join(folder, ...names);

/** The configuration of the one room, with more in its section [privacy]. */
function configuration(name: string, privacy: string): string {
  const path = at(name);
  writeFileSync(
    path,
    `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${at('frames')}"\nloop = true\nwidth = 1280\nheight = 960\nframerate = 5\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${at('store')}"\n[privacy]\n${privacy}`,
  );
  return path;
}
const config = configuration('config.toml', 'page_pictures = true\n');
const shipped = configuration('shipped.toml', '');

function start(args: readonly string[], configPath = config) {
  const child = spawnCli([...args, '--config', configPath], { TMPDIR: at('tmp') });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    ended,
    async printed(what: RegExp): Promise<string> {
      for (const end = Date.now() + patienceMs; ; await wait(50)) {
        const found = what.exec(text)?.[0];
        if (found !== undefined) return found;
        if (Date.now() > end || child.exitCode !== null) throw new Error(`never printed ${what}: ${text}`);
      }
    },
  };
}

const verb = async (...args: string[]) => {
  const { code, stdout, stderr } = await runVerb([...args, '--json', '--config', config]);
  t.equal(code, 0, stderr);
  return JSON.parse(stdout);
};

t.test('who is here, people, last faces, corrections, pictures, plan', { skip: noBrowser }, async (t) => {
  const startedMs = Date.now();
  mkdirSync(at('tmp'));
  const before = new Set(readdirSync('/tmp'));
  await drawFrames(at('frames'));
  for (const person of ['ada', 'grace'] as const) {
    const photos = await drawPhotos(at(person), person, 3);
    await verb('enrol', person === 'ada' ? 'Ada' : 'Grace', '--photos', ...photos);
  }
  const daemon = start(['run']);
  await daemon.printed(/Grace arrived/);
  const open = start(['open', '--address', '127.0.0.1']);
  const address = await open.printed(/http:\S+#[\w-]{43}/);
  const { page, complaints } = await openPhone(address);
  await page.getByText(/Grace, since \d\d:\d\d/).waitFor();
  const [people, faces, outcome] = ['#people', '#faces', '#outcome'].map((id) => page.locator(id)) as Locator[];
  const faceOf = (text: string | RegExp) => faces!.locator('li', { hasText: text }).first();
  await people!.getByText('Photos in use: 3').first().waitFor();

  // Pictures: two faces, each with its own.
  const pictures = page.locator('img.face:visible');
  await pictures.nth(1).waitFor();
  const tracks = await pictures.evaluateAll((images) =>
    images.map((image) => (image as unknown as { dataset: { track: string } }).dataset.track),
  );
  const jpegs: Buffer[] = [];
  for (const track of tracks) {
    const request = { verb: 'picture', track: Number(track) } as const;
    const { jpeg } = await askDaemon<FacePictureAnswer>(daemonSocket(loadConfig(config)), request);
    jpegs.push(Buffer.from(jpeg!, 'base64'));
  }
  for (const jpeg of jpegs) t.match(await sharp(jpeg).metadata(), { format: 'jpeg', width: 112, height: 112 });
  t.equal(await pictures.first().evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth), 112);
  t.equal(await page.locator('img.face:visible + svg:visible').count(), 0, 'a picture takes the place of the drawing');
  t.strictSame(await violations(page), [], 'axe-core finds nothing');
  await page.emulateMedia({ colorScheme: 'dark' });
  t.strictSame(await violations(page), [], 'nor in the dark');
  await page.emulateMedia({ colorScheme: 'light' });
  if (process.env['ROOMKIN_SCREENSHOTS'])
    await page.screenshot({ path: join(process.env['ROOMKIN_SCREENSHOTS'], 'phone-overview.png'), fullPage: true });

  // "This is Ada": stored, seen in the next frames, and undone.
  await faceOf('resembles Ada too little').getByText('Who is this?').click();
  await faceOf('resembles Ada too little')
    .getByRole('button', { name: /^This is Ada/ })
    .click();
  await outcome!.getByText('The correction is stored.').waitFor();
  t.match(await verb('correct', '--list'), { corrections: [{ id: 1, name: 'Ada', said: 'is' }] });
  await page.getByText(/Ada, since \d\d:\d\d/).waitFor();
  await faceOf('resembles Ada clearly').waitFor();
  await people!.getByText('Photos in use: 4').waitFor();

  // The guarded correction refuses what would make Ada lose her own face.
  await faceOf('resembles Ada clearly').getByText('Not Ada?').click();
  t.strictSame(await violations(page), [], 'axe-core finds nothing with an open correction');
  t.equal(await overflow(page), 0, 'nothing is wider than the window');
  await faceOf('resembles Ada clearly')
    .getByRole('button', { name: /^Not Ada/ })
    .click();
  await outcome!.getByText(/would lose the name too/).waitFor();
  await people!.getByText('Change Ada').click();
  await people!.getByText(/Corrected on .*: a face is Ada/).waitFor();
  await people!.getByRole('button', { name: 'Undo correction 1' }).click();
  await outcome!.getByText('The correction is undone.').waitFor();
  await faceOf('resembles Ada too little').waitFor();
  await people!.getByText('Photos in use: 4').waitFor({ state: 'detached' });

  // "Not Grace": the same.
  await faceOf('resembles Grace clearly').getByText('Not Grace?').click();
  await faceOf('resembles Grace clearly')
    .getByRole('button', { name: /^Not Grace/ })
    .click();
  await outcome!.getByText('The correction is stored.').waitFor();
  t.match(await verb('correct', '--list'), { corrections: [{ id: 2, name: 'Grace', said: 'not' }] });
  await faceOf('resembles a face that is not Grace').waitFor();
  await outcome!.getByRole('button', { name: 'Undo correction 2' }).click();
  await outcome!.getByText('The correction is undone.').waitFor();
  t.match(await verb('correct', '--list'), { corrections: [] });
  await faceOf('resembles Grace clearly').waitFor();

  await people!.getByText('Change Ada').focus();
  await page.keyboard.press('Enter');
  t.strictSame(await violations(page), [], 'nor with the photos of a person');
  await people!
    .getByRole('button', { name: /Disable photo/ })
    .first()
    .click();
  await people!.getByText('Photos in use: 2').waitFor();

  await people!.getByText('Change Grace').click();
  await people!.getByLabel('New name of Grace').fill(`Grace & 'Hopper'`);
  await people!.getByLabel('New name of Grace').press('Enter');
  await people!.getByRole('heading', { name: `Grace & 'Hopper'` }).waitFor();

  // A pause takes the pictures away, a forgotten person takes theirs.
  await verb('pause');
  await page.getByText('recognition is switched off').waitFor();
  t.equal(await pictures.count(), 0, 'no picture during a pause');
  await verb('resume');
  await pictures.nth(1).waitFor();
  const pictureOfGrace = faceOf(/Grace & 'Hopper', /).locator('img');
  await pictureOfGrace.and(pictures).waitFor();
  const track = Number(await pictureOfGrace.getAttribute('data-track'));
  await people!.getByText(`Change Grace & 'Hopper'`).click();
  await people!.getByText(`Forget Grace & 'Hopper'…`).click();
  await people!.getByRole('button', { name: /^Yes, forget/ }).click();
  await people!.getByRole('heading', { name: `Grace & 'Hopper'` }).waitFor({ state: 'detached' });
  const ofTrack = page.locator(`img[data-track="${track}"]:visible`);
  t.equal(await ofTrack.count(), 0, 'the picture of who is forgotten is gone at once');
  t.match(await askDaemon(daemonSocket(loadConfig(config)), { verb: 'picture', track }), { jpeg: null });
  await faceOf('resembles Ada').locator('img').and(pictures).waitFor();
  await page.locator(`img[data-track="${track}"]`).first().waitFor({ state: 'attached' });
  t.equal(await ofTrack.count(), 0, 'and does not come back while the face is still there');
  t.strictSame(
    (await verb('people')).people.map(({ name }: { name: string }) => name),
    ['Ada'],
  );
  await page.getByRole('img', { name: /faces in the last day/ }).waitFor();
  const places = [at('store'), at('tmp'), ...newInTmp(before).filter((path) => path !== folder)];
  t.strictSame(filesWith(tracesOf(jpegs), places, startedMs), [], 'no byte of a picture is in a file');
  writeFileSync(at('control.bin'), jpegs[0]!);
  t.strictSame(filesWith(tracesOf(jpegs), [folder], startedMs), [at('control.bin')], 'the search finds one');

  // Without the key no face is a picture.
  const plain = start(['open', '--address', '127.0.0.1'], shipped);
  const other = await openPhone(await plain.printed(/http:\S+#[\w-]{43}/));
  await other.page.locator('#faces li').first().waitFor();
  t.equal(await other.page.locator('img').count(), 0, 'no picture without the key');

  daemon.child.kill('SIGTERM');
  await daemon.ended;
  await page.getByText('the daemon is not running').waitFor();
  t.equal(await pictures.count(), 0, 'no picture without the daemon');
  open.child.kill('SIGINT');
  plain.child.kill('SIGINT');
  t.equal(await open.ended, 130);
  t.equal(await plain.ended, 130);
  t.strictSame([...complaints, ...other.complaints], []);
});

t.test('wrong options', async (t) => {
  for (const args of [
    ['--for', '9h'],
    ['--for', 'x'],
    ['--address', '8.8.8.8'],
  ])
    t.equal((await runVerb(['open', ...args, '--config', config])).code, 64, args.join(' '));
});
