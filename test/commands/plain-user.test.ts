// What a plain user in the group of the daemon can do on an installed system, where the state directory is closed to them: every verb
// that reads, and corrections. Nobody is advised to loosen a mode.
import { chmodSync, cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { startAedes } from '../helpers/brokers.js';
import { installed, withoutUsers } from '../helpers/installed.js';
import { pictures } from '../helpers/room-pictures.js';
import { shortFolder } from '../helpers/short-folder.js';

t.setTimeout(300_000);

/** What asks the daemon. */
const asking: readonly (readonly [verb: string, ...args: string[]])[] = [
  ['people'],
  ['people', '--check'],
  ['show', 'Ada'],
  ['calibrate'],
  ['replay'],
  ['correct', '--list'],
  ['household'],
];

t.test('a plain user in the group of the daemon', { skip: withoutUsers }, async (t) => {
  const folder = shortFolder(t);
  const { frames, portrait } = await pictures(folder);
  await using broker = await startAedes();
  const room = installed(
    folder,
    `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256
[mqtt]\nurl = "${broker.url}"\nprotocol = 4`,
  );
  const photo = join(room.open, 'photo.jpg');
  cpSync(portrait, photo);
  const enrolled = await room.roomkin('root', 'enrol', 'Ada', '--photos', photo);
  t.equal(enrolled.code, 0, enrolled.stderr);

  await t.test('without a daemon: says that it may not look, and how to get an answer', async (t) => {
    for (const args of [...asking, ['why'], ['identify', photo]]) {
      const { code, stderr } = await room.roomkin('plain', ...args);
      t.equal(code, 69, args.join(' '));
      t.match(stderr, /^roomkin: DAEMON_NOT_RUNNING: no daemon answers .*systemctl start roomkin/m, args.join(' '));
      t.notMatch(stderr, /chmod|EACCES/);
    }
    const { stdout } = await room.roomkin('plain', 'check');
    t.match(stdout, /^WARN gallery +not examined: this user may not look/m, 'which is not the same as empty');
    t.match(stdout, /^WARN household +not examined/m);
    t.match(await room.roomkin('root', 'people'), { code: 0, stdout: /^Ada \(ada\)/ });
  });

  const daemon = await room.startDaemon();
  t.teardown(() => daemon.kill('SIGKILL'));
  t.equal(statSync(room.store).mode & 0o777, 0o700);

  await t.test('every verb that reads asks the daemon', async (t) => {
    for (const args of asking) {
      const { code, stdout, stderr } = await room.roomkin('plain', ...args);
      t.equal(code, 0, `${args.join(' ')}: ${stderr}`);
      t.ok(stdout.length > 0, args.join(' '));
      const json = await room.roomkin('plain', ...args, '--json');
      t.doesNotThrow(() => JSON.parse(json.stdout), args.join(' '));
    }
    const identified = await room.roomkin('plain', 'identify', photo, '--json');
    t.match(JSON.parse(identified.stdout), { files: [{ faces: [{ person: 'ada', name: 'Ada', state: 'known' }] }] });
    t.match((await room.roomkin('plain', 'show', 'Adda')).stderr, /PERSON_UNKNOWN: .*: did you mean Ada\?/);
  });

  await t.test(
    'corrections and photos in use are changed by the daemon, which refuses what causes errors',
    async (t) => {
      let looks: { id: number }[] = [];
      for (let tries = 0; tries < 100 && looks.length === 0; tries++) {
        looks = JSON.parse((await room.roomkin('plain', 'why', '--json')).stdout).looks;
        await wait(100);
      }
      const id = String(looks.at(-1)!.id);
      const refused = await room.roomkin('plain', 'correct', id, '--not', 'Ada');
      t.match(refused, { code: 65, stderr: /CORRECTION_REFUSED: observation \d+ was not used: it resembles Ada/ });
      t.match(await room.roomkin('plain', 'correct', id, '--is', 'Ada'), {
        code: 0,
        stdout: /Ada now has|known already/,
      });
      const { templates } = JSON.parse((await room.roomkin('plain', 'show', 'Ada', '--json')).stdout);
      const ids = templates.map((template: { id: number }) => String(template.id));
      t.match((await room.roomkin('plain', 'people', '--disable', ...ids)).stderr, /PHOTO_NEEDED/);
      t.match((await room.roomkin('plain', 'people', '--disable', '99')).stderr, /PHOTO_UNKNOWN/);
    },
  );

  await t.test('check examines the gallery through the daemon', async (t) => {
    const { stdout } = await room.roomkin('plain', 'check');
    t.match(stdout, /^ok {3}gallery +1 person, 1 of them with photos for this model$/m);
    t.match(stdout, /^ok {3}household +no key/m);
    t.notMatch(stdout, /^FAIL/m, stdout);
  });

  await t.test('who is not in the group is told to join it', async (t) => {
    const outside = await room.roomkin('outsider', 'people');
    t.match(outside, {
      code: 78,
      stderr: /^(starting\.\.\.\n)?roomkin: CONFIG_MISSING: .*join its group .*usermod -aG roomkin/,
    });
    chmodSync(join(folder, 'etc'), 0o755);
    chmodSync(room.config, 0o644);
    const stopped = await room.roomkin('outsider', 'people');
    t.match(stopped, { code: 69, stderr: /no permission to open .*usermod -aG roomkin/ });
    for (const { stderr } of [outside, stopped]) t.notMatch(stderr, /chmod|make it readable/);
  });
});
