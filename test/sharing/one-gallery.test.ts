// Two daemons as processes with the real models, their own galleries and a real broker. One room enrols a person, the other names them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { listenTo, mosquittoPath, startAedes, startMosquitto, waitFor } from '../helpers/brokers.js';
import { runVerb, spawnCli } from '../helpers/cli.js';
import { pictures } from '../helpers/room-pictures.js';
import { shortFolder } from '../helpers/short-folder.js';

t.setTimeout(180_000);
const timeoutMs = 60_000;

t.test('a person enrolled in one room is named in the other and forgotten in both', async (t) => {
  const folder = shortFolder(t);
  const { frames, portrait } = await pictures(folder);
  await using broker = mosquittoPath === null ? await startAedes() : await startMosquitto();
  await using listener = await listenTo(broker.url);
  const configOf = (room: string): string => {
    const file = join(folder, `${room}.toml`);
    writeFileSync(
      file,
      `[room]\nid = "${room}"\n[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256
framerate = 5\n[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "${join(folder, room)}"\n`,
    );
    return file;
  };
  const [hall, kitchen] = [configOf('hall'), configOf('kitchen')];
  const verb = async (config: string, ...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runVerb([...words, '--config', config]);
    t.equal(code, 0, `roomkin ${words.join(' ')}${stderr}`);
    return stdout;
  };
  await verb(kitchen, 'household', '--new');
  writeFileSync(join(folder, 'word'), await verb(kitchen, 'household', '--show'));
  await verb(hall, 'household', '--join', '--from', join(folder, 'word'));
  for (const config of [hall, kitchen]) {
    const daemon = spawnCli(['run', '--config', config]);
    daemon.stderr?.resume();
    t.teardown(() => daemon.kill('SIGKILL'));
  }
  const online = (room: string) => () => listener.of(`room/${room}/camera`).at(-1) === 'online';
  for (const room of ['hall', 'kitchen']) await waitFor(online(room), timeoutMs, () => room);

  await verb(kitchen, 'enrol', 'Wilhelmina', '--photos', portrait);
  const arrived = () => listener.of('room/hall/person').some((text) => JSON.parse(text).event_type === 'arrived');
  // Only one of the two rooms has her at a time. The hall has her in its gallery in either case.
  const knows = async (): Promise<boolean> => (await verb(hall, 'people')).includes('Wilhelmina (wilhelmina)');
  await waitFor(knows, timeoutMs, () => 'Wilhelmina in the hall');
  await verb(kitchen, 'pause');
  await waitFor(arrived, timeoutMs, () => listener.of('room/hall/person').join());
  t.match(await verb(hall, 'household'), /1 people are shared and 0 were forgotten; 1 are enrolled here/);

  t.match(
    await verb(kitchen, 'forget', 'Wilhelmina', '--yes'),
    /the other rooms erase Wilhelmina as soon as they are connected/,
  );
  const left = () => listener.of('room/hall/person').some((text) => JSON.parse(text).event_type === 'left');
  await waitFor(left, timeoutMs, () => listener.of('room/hall/person').join());
  const gallery = readdirSync(join(folder, 'hall')).filter((name) => name.startsWith('gallery'));
  const bytes = Buffer.concat(gallery.map((name) => readFileSync(join(folder, 'hall', name))));
  t.notOk(bytes.includes('Wilhelmina'), 'no file of the other room contains her name');
  t.match(await verb(hall, 'household'), /0 people are shared and 1 were forgotten; 0 are enrolled here/);
  const why = JSON.parse(await verb(hall, 'why', '--json'));
  t.notMatch(JSON.stringify(why.looks), /wilhelmina/i, 'no journal entry there mentions her');
});
