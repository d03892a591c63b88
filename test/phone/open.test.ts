// `roomkin open` end to end: a real daemon with the real models sees drawn people; a real browser with the window of a phone.
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import { runVerb, spawnCli } from '../helpers/cli.js';
import { shortFolder } from '../helpers/short-folder.js';
import { violations } from './accessible.js';
import { noBrowser, openPhone } from './browser.js';
import { drawPhoto, drawPhotos } from './drawn-photos.js';

t.setTimeout(600_000);
const patienceMs = 120_000;
const folder = shortFolder(t);
const at = (...names: string[]): string => join(folder, ...names);
const config = at('config.toml');
writeFileSync(
  config,
  `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${at('frames')}"\nloop = true\nwidth = 1280\nheight = 960\nframerate = 5\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${at('store')}"\n`,
);

/** Frames in which Ada and a person who is not enrolled sit and move a little. */
async function drawFrames(): Promise<void> {
  mkdirSync(at('frames'));
  for (let i = 0; i < 6; i++) {
    const [ada, visitor] = await Promise.all(
      (['ada', 'visitor'] as const).map((key) =>
        sharp(drawPhoto(key, { light: 0.1, tiltDegrees: i - 3, smile: 2 }))
          .resize(320, 400)
          .png()
          .toBuffer(),
      ),
    );
    await sharp({ create: { width: 1280, height: 960, channels: 3, background: '#8f9aa3' } })
      .composite([
        { input: ada!, left: 180 + 4 * i, top: 300 },
        { input: visitor!, left: 760 - 4 * i, top: 320 },
      ])
      .jpeg({ quality: 92 })
      .toFile(at('frames', `${i}.jpg`));
  }
}

function start(...args: string[]) {
  const child = spawnCli([...args, '--config', config]);
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

/** How long the daemon works before its memory is measured. A new one still grows by itself: 60 seconds are enough for a measurement. */
const warmMs = Number(process.env['ROOMKIN_WARM_SECONDS'] ?? 0) * 1000;

/** Private memory of a process, MiB. */
const memoryOf = (pid: number): number =>
  Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

t.test('who is here, people, last faces, corrections, plan', { skip: noBrowser }, async (t) => {
  await drawFrames();
  for (const person of ['ada', 'grace'] as const) {
    const photos = await drawPhotos(at(person), person, 3);
    const name = person === 'ada' ? 'Ada' : 'Grace';
    const { code, stderr } = await runVerb(['enrol', name, '--photos', ...photos, '--config', config]);
    t.equal(code, 0, stderr);
  }
  const daemon = start('run');
  await daemon.printed(/Ada arrived/);
  await wait(warmMs);
  const open = start('open', '--address', '127.0.0.1');
  const address = await open.printed(/http:\S+#[\w-]{43}/);
  const memoryBefore = memoryOf(daemon.child.pid!);
  const { page, complaints } = await openPhone(address);
  await page.getByText(/Ada, since \d\d:\d\d/).waitFor();
  const faces = page.locator('#faces');
  await faces
    .getByText(/resembles Ada clearly/)
    .first()
    .waitFor();
  await page.locator('#people').getByText('Photos in use: 3').first().waitFor();
  t.strictSame(await violations(page), [], 'axe-core finds nothing');
  if (process.env['ROOMKIN_SCREENSHOTS'])
    await page.screenshot({ path: join(process.env['ROOMKIN_SCREENSHOTS'], 'phone-overview.png'), fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  t.strictSame(await violations(page), [], 'nor in the dark');

  const people = page.locator('#people');
  await people.getByText('Change Ada').focus();
  await page.keyboard.press('Enter');
  const disable = people.getByRole('button', { name: /Disable photo/ }).first();
  t.strictSame(await violations(page), [], 'nor with the photos of a person');
  await disable.click();
  await people.getByText('Photos in use: 2').waitFor();

  await people.getByText('Change Grace').click();
  await people.getByLabel('New name of Grace').fill(`Grace & 'Hopper'`);
  await people.getByLabel('New name of Grace').press('Enter');
  await people.getByRole('heading', { name: `Grace & 'Hopper'` }).waitFor();

  // The guarded correction refuses what would make Ada lose her own face.
  const named = faces.locator('li', { hasText: 'resembles Ada clearly' }).first();
  await named.locator('summary').click();
  await named.getByRole('button', { name: /^Not Ada/ }).click();
  await page
    .locator('#problem')
    .getByText(/would lose the name too/)
    .waitFor();

  // Whether a face of somebody else may become Grace's is the decision of `correct`; the page tells it.
  const visitor = faces.locator('li', { hasNotText: 'resembles Ada clearly' }).first();
  await visitor.locator('summary').click();
  await visitor.getByLabel(/^Who is/).selectOption(`Grace & 'Hopper'`);
  await visitor.getByRole('button', { name: 'This is the person' }).click();
  const told = page.locator('#problem, #status').filter({ hasText: /correction is stored|did not work/ });
  await told
    .filter({ hasNotText: /would lose the name too/ })
    .first()
    .waitFor();
  t.comment(`"This is Grace" on the visitor: ${await told.first().textContent()}`);

  await people.getByText(`Change Grace & 'Hopper'`).click();
  await people.getByText(`Forget Grace & 'Hopper'…`).click();
  await people.getByRole('button', { name: /^Yes, forget/ }).click();
  await people.getByRole('heading', { name: `Grace & 'Hopper'` }).waitFor({ state: 'detached' });
  const left = JSON.parse((await runVerb(['people', '--json', '--config', config])).stdout).people;
  t.strictSame(
    left.map(({ name }: { name: string }) => name),
    ['Ada'],
  );
  await page.getByRole('img', { name: /faces in the last day/ }).waitFor();
  await page
    .locator('#plan')
    .getByText(/Ada was last seen/)
    .waitFor();
  t.equal(await page.locator('img').count(), 0, 'no picture');
  await wait(warmMs);
  const grown = memoryOf(daemon.child.pid!) - memoryBefore;
  t.comment(
    `memory of the daemon: ${memoryBefore.toFixed(1)} MiB, ${grown.toFixed(1)} MiB more while the page is open`,
  );

  daemon.child.kill('SIGTERM');
  await daemon.ended;
  await page.getByText('the daemon is not running').waitFor();
  open.child.kill('SIGINT');
  t.equal(await open.ended, 130);
  t.strictSame(complaints, []);
});

t.test('wrong options', async (t) => {
  for (const args of [
    ['--for', '9h'],
    ['--for', 'x'],
    ['--address', '8.8.8.8'],
  ])
    t.equal((await runVerb(['open', ...args, '--config', config])).code, 64, args.join(' '));
});
