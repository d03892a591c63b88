// All verbs as plain data: purpose, arguments, options with units, ranges and defaults, examples, exit codes. `roomkin help` and the
// parser are made from this table. It imports nothing that is slow to load.
import { type ExitCode, fail, type RoomkinError } from '../base/errors.js';

/** The name of a value in the usage of a verb. */
export type Placeholder =
  | 'ADDRESS'
  | 'DIR'
  | 'DURATION'
  | 'FILE'
  | 'GRADE'
  | 'ID'
  | 'N'
  | 'NAME'
  | 'NEW-NAME'
  | 'OUT'
  | 'PATH'
  | 'PROTOCOL'
  | 'URL'
  | 'USER';

/** The syntax and range of a value. */
export type ValueType =
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** A quantity from `min` to `max`, both included. */
  | {
      readonly kind: 'integer' | 'number';
      readonly min: number;
      readonly max: number;
      /** Plural, as in `from 1 to 200 observations`; null for a number without a unit. */
      readonly unit: string | null;
    }
  /** Minutes, hours or days, as in `90m`, `24h` and `1d`. */
  | { readonly kind: 'duration'; readonly maxHours: number }
  /** The number of something that another verb lists. */
  | { readonly kind: 'id'; readonly of: string; readonly listedBy: string };

export interface ArgumentDefinition {
  readonly name: Placeholder;
  readonly type: ValueType;
  readonly required: boolean;
  /** May be given several times. */
  readonly many?: true;
  readonly text: string;
}

export interface OptionDefinition {
  /** Without the leading `--`. */
  readonly name: string;
  /** Absent for a switch. */
  readonly value?: Placeholder;
  readonly type: ValueType | { readonly kind: 'switch' };
  /** May be given several times, and takes several values. */
  readonly many?: true;
  readonly default?: number | string;
  /** The option is required (where `only` applies). */
  readonly needed?: true;
  /** The option is allowed only if this is the first argument. */
  readonly only?: string;
  /** An old name that still works; not in the help. */
  readonly hidden?: true;
  readonly text: string;
}

export interface VerbDefinition {
  readonly name: string;
  readonly group: string;
  /** One sentence for `roomkin help`. */
  readonly summary: string;
  /** Further details for `roomkin help VERB`. */
  readonly details: string;
  /** The forms of the command line, each without `roomkin`. */
  readonly usage: readonly string[];
  readonly arguments: readonly ArgumentDefinition[];
  readonly options: readonly OptionDefinition[];
  /** Command lines, each with its effect. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  /** Besides 0. */
  readonly exitCodes: readonly ExitCode[];
}

const text = { kind: 'text' } as const;
const flag = { kind: 'switch' } as const;
const name = {
  name: 'NAME',
  type: text,
  required: true,
  text: 'name or id of a person; quote a name with spaces',
} as const;
const photoFiles = {
  name: 'FILE',
  type: text,
  required: true,
  many: true,
  text: 'picture, or folder of pictures (JPEG, HEIC, PNG, WebP, AVIF, TIFF, GIF)',
} as const;
const passphraseFile = {
  name: 'passphrase-file',
  value: 'FILE',
  type: text,
  text: 'read the passphrase from the first line of FILE instead of asking',
} as const;

/** The options of every verb; they may come before or after the verb. */
export const commonOptions = [
  {
    name: 'config',
    value: 'FILE',
    type: text,
    text: 'configuration; default: $ROOMKIN_CONFIG, or /etc/roomkin/config.toml',
  },
  {
    name: 'room',
    value: 'ID',
    type: text,
    text: 'one room of a configuration with several [[room]] tables',
  },
  { name: 'json', type: flag, text: 'print the result, or the error, as JSON on stdout' },
] as const satisfies readonly OptionDefinition[];

/** The meaning of each exit code for `roomkin help VERB`; docs/errors.md lists the errors behind them. */
export const exitCodeTexts: Readonly<Record<ExitCode | 0, string>> = {
  0: 'done',
  64: 'the command line is not valid',
  65: 'a name, number, photo or file is refused',
  69: 'the daemon, the camera or the broker is not available, or a check failed',
  70: 'the recognition engine failed, or there is a bug',
  74: 'the disk or the database cannot be read or written',
  78: 'the configuration, a key file or a model is missing or wrong',
};

/** Every verb, in the order of `roomkin help`. */
export const verbs = [
  {
    name: 'setup',
    group: 'Set up:',
    summary: 'Configure this room, try the broker, and start the service.',
    details:
      'It asks for the room and the broker, finds brokers in the network, and tries user and password at once. It writes the ' +
      'configuration, starts the service, waits until it is ready and runs check. Nothing is written before the broker accepts ' +
      'the login. Without a terminal, give --room and --mqtt.',
    usage: [
      'setup [--room ID] [--name NAME] [--mqtt URL] [--username USER] [--password-file FILE] [--yes] [--without-start]',
    ],
    arguments: [],
    options: [
      { name: 'room', value: 'ID', type: text, text: 'id of this room: 1 to 32 of a-z, 0-9, _ and -' },
      { name: 'name', value: 'NAME', type: text, text: 'displayed name of the room; default: made from the id' },
      { name: 'mqtt', value: 'URL', type: text, text: 'address of the broker: mqtt://host:1883 or mqtts://host:8883' },
      { name: 'username', value: 'USER', type: text, text: 'user at the broker' },
      {
        name: 'password-file',
        value: 'FILE',
        type: text,
        text: 'read the password from the first line of FILE instead of asking',
      },
      {
        name: 'yes',
        type: flag,
        text: 'replace an existing configuration without asking; the old one is kept as .old',
      },
      { name: 'without-start', type: flag, text: 'write the configuration only' },
    ],
    examples: [
      ['sudo roomkin setup', 'Ask for everything.'],
      ['sudo roomkin setup --room kitchen --mqtt mqtt://broker.lan:1883', 'The same from a script.'],
    ],
    exitCodes: [64, 69, 74, 78],
  },
  {
    name: 'retire',
    group: 'Set up:',
    summary: 'Take this room out of Home Assistant and off the broker.',
    details:
      'It deletes the retained messages of this room at the broker; Home Assistant then removes the device. The configuration and ' +
      'the gallery stay, and the daemon announces the room again when it starts. Stop the daemon first.',
    usage: ['retire'],
    arguments: [],
    options: [],
    examples: [
      ['sudo roomkin retire', 'Take the room out, for instance before its id changes.'],
      ['sudo roomkin retire --json', 'The same, for a script.'],
    ],
    exitCodes: [64, 69, 74, 78],
  },
  {
    name: 'enrol',
    group: 'People:',
    summary: 'Enrol a person, from photos, from a phone or in front of the camera.',
    details:
      'Use five to ten sharp photos in different light, with the eyes at least 40 px apart (JPEG, HEIC, PNG, WebP, AVIF, ' +
      'TIFF, GIF). All photos are analysed first; then all of them are enrolled, or none. Whatever else a folder holds is passed ' +
      'over and named. --phone shows a code for a page on which a phone in the local network takes or chooses the photos; the page ' +
      'ends with the command.',
    usage: [
      'enrol NAME --photos PATH... [--face N] [--skip-bad] [--force]',
      'enrol NAME --photos - [--skip-bad] [--force]',
      'enrol NAME --phone [--force] [--address ADDRESS]',
      'enrol NAME --live [--force]',
      'enrol --from DIR [--skip-bad] [--force]',
    ],
    arguments: [
      { ...name, required: false, text: 'name of the person; quote a name with spaces' },
      { name: 'PATH', type: text, required: false, many: true, text: 'more photos, after another option' },
    ],
    options: [
      {
        name: 'photos',
        value: 'PATH',
        type: text,
        many: true,
        text: 'photos, or folders of photos, of this person; - reads a photo or a tar archive from standard input',
      },
      {
        name: 'face',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 99, unit: null },
        text: 'of several faces in the photo take the Nth from the left',
      },
      { name: 'phone', type: flag, text: 'take photos from a phone, through a page in the local network' },
      {
        name: 'address',
        value: 'ADDRESS',
        type: text,
        text: 'with --phone: the address of this machine for the page; default: those in local networks',
      },
      { name: 'live', type: flag, text: "use the room's camera, through the running daemon" },
      {
        name: 'from',
        value: 'DIR',
        type: text,
        text: 'enrol everybody who has a folder with photos and their name in DIR; DIR/unknown is for unknown people',
      },
      { name: 'skip-bad', type: flag, text: 'skip photos that cannot be used' },
      { name: 'force', type: flag, text: 'enrol even if the person looks like somebody who is enrolled' },
    ],
    examples: [
      ['roomkin enrol Ada --photos ada/*.jpg', 'Enrol Ada from her photos.'],
      ['tar c -C ~/ada . | ssh pi sudo roomkin enrol Ada --photos -', 'Send photos from another computer.'],
      ['roomkin enrol Ada --phone', 'Enrol Ada from the photos on a phone.'],
      ['roomkin enrol "Anna Maria" --live', 'Enrol Anna Maria in front of the camera.'],
    ],
    exitCodes: [64, 65, 69, 70, 74, 78],
  },
  {
    name: 'people',
    group: 'People:',
    summary: 'List the enrolled people; check, disable or enable their photos.',
    details: 'Without an option it lists everybody, and whether the configured model can recognise them.',
    usage: ['people [--check | --disable ID... | --enable ID...]'],
    arguments: [
      {
        name: 'ID',
        type: { kind: 'id', of: 'photo', listedBy: 'roomkin show NAME' },
        required: false,
        many: true,
        text: 'number of a photo, as roomkin show NAME and --check print it',
      },
    ],
    options: [
      { name: 'check', type: flag, text: 'find photos that cause errors, and say what to do' },
      { name: 'disable', type: flag, text: 'stop using these photos, without deleting them' },
      { name: 'enable', type: flag, text: 'use these photos again' },
      { name: 'set-aside', type: flag, hidden: true, text: 'old name of --disable' },
      { name: 'put-back', type: flag, hidden: true, text: 'old name of --enable' },
    ],
    examples: [
      ['roomkin people --check', 'Find photos that cause errors.'],
      ['roomkin people --disable 12 17', 'Stop using the photos 12 and 17.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'show',
    group: 'People:',
    summary: 'Show what is stored about a person.',
    details: 'Each photo with its number, its date and its quality.',
    usage: ['show NAME'],
    arguments: [name],
    options: [],
    examples: [
      ['roomkin show Ada', 'List the photos of Ada.'],
      ['roomkin show ada --json', 'The same, for a script.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'rename',
    group: 'People:',
    summary: 'Give a person another name; the id stays.',
    details: 'MQTT topics and entities use the id, so automations continue to work.',
    usage: ['rename NAME NEW-NAME'],
    arguments: [name, { name: 'NEW-NAME', type: text, required: true, text: 'the new name' }],
    options: [],
    examples: [
      ['roomkin rename Ada "Ada Lovelace"', 'Give Ada her full name.'],
      ['roomkin rename ada Ada', 'Correct the spelling.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'forget',
    group: 'People:',
    summary: 'Erase everything that is stored about a person.',
    details:
      'Photos, corrections and the observations of the last day. It cannot be undone; on a terminal it asks first.',
    usage: ['forget NAME [--yes]'],
    arguments: [name],
    options: [{ name: 'yes', type: flag, text: 'erase without asking' }],
    examples: [
      ['roomkin forget Ada', 'Ask, then erase Ada.'],
      ['roomkin forget Ada --yes', 'Erase Ada from a script.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'household',
    group: 'People:',
    summary: 'Share the gallery with other rooms: create, copy, show or change the key.',
    details:
      'Rooms with the same household key share their people: enrolled or forgotten in one room, enrolled or forgotten in ' +
      'all. Without an option it shows what is shared. Restart roomkin after a change. After a theft use --rotate: the old key ' +
      'then opens nothing new. --rotate and --leave delete messages at the broker; if it is away, the daemon does so later.',
    usage: ['household [--new | --join [--from FILE] | --show | --rotate | --leave]'],
    arguments: [],
    options: [
      { name: 'new', type: flag, text: 'create the key, in the first room' },
      { name: 'join', type: flag, text: 'use the key of another room; asks for it' },
      { name: 'rotate', type: flag, text: 'make a new key; the other rooms take it with --join' },
      { name: 'from', value: 'FILE', type: text, text: 'with --join: read the key from FILE instead of asking' },
      { name: 'show', type: flag, text: 'print the key, for another room' },
      { name: 'leave', type: flag, text: 'stop sharing and erase the key here; the people stay' },
    ],
    examples: [
      ['sudo roomkin household --new', 'Create a key in the first room.'],
      ['sudo roomkin household --join', 'Paste it in each of the other rooms.'],
      ['sudo roomkin household --rotate', 'Make a new key after a card was stolen.'],
    ],
    exitCodes: [64, 74, 78],
  },
  {
    name: 'run',
    group: 'Every day:',
    summary: 'Run the daemon until SIGTERM or Ctrl-C.',
    details: 'In the foreground, as systemd starts it.',
    usage: ['run'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin run', 'Run the configured room, or rooms.'],
      ['roomkin run --json --config lab.toml', 'Run another configuration and print each change as a line of JSON.'],
    ],
    exitCodes: [64, 69, 70, 74, 78],
  },
  {
    name: 'status',
    group: 'Every day:',
    summary: 'Show the state of the running daemon.',
    details:
      'Who is in the room, the camera, frames analysed per second, the engine, the gallery and the broker. Several rooms have one line each.',
    usage: ['status'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin status', 'Show the state.'],
      ['roomkin status --json | jq .camera.state', 'Get one value for a script.'],
    ],
    exitCodes: [64, 69, 78],
  },
  {
    name: 'watch',
    group: 'Every day:',
    summary: 'Show arrivals and departures, live.',
    details:
      'One line for each change, until Ctrl-C or until the daemon stops. Where the file has several rooms, each line begins with its room.',
    usage: ['watch'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin watch', 'Print a line for each change.'],
      ['roomkin watch --json', 'The same, as lines of JSON.'],
    ],
    exitCodes: [64, 69, 78],
  },
  {
    name: 'look',
    group: 'Every day:',
    summary: 'Show what the camera sees now, to aim it: faces and their sizes.',
    details:
      'It draws one picture in the terminal, or saves it with the faces marked. The picture comes from the running daemon, or ' +
      'from the camera where none runs; it is stored nowhere else. Eyes 25 px apart or more are good, 12 px are enough. While ' +
      'recognition is switched off there is no picture, and [privacy] look = false forbids it.',
    usage: ['look [--save FILE]'],
    arguments: [],
    options: [
      { name: 'save', value: 'FILE', type: text, text: 'save the picture (.jpg, .png, .webp) instead of drawing it' },
    ],
    examples: [
      ['roomkin look', 'Draw what the camera sees in the terminal.'],
      ['roomkin look --save aim.jpg', 'Save it, with boxes and sizes.'],
    ],
    exitCodes: [64, 69, 70, 74, 78],
  },
  {
    name: 'open',
    group: 'Every day:',
    summary: 'Show a page on a phone: who is here, people, last faces, corrections.',
    details:
      'It shows a code for a page in the local network, which ends with this command. Only who has scanned the code sees it, one ' +
      'phone at a time. To rename or forget somebody there, start it with sudo.',
    usage: ['open [--for 1h] [--address ADDRESS]'],
    arguments: [],
    options: [
      {
        name: 'for',
        value: 'DURATION',
        type: { kind: 'duration', maxHours: 8 },
        default: '1h',
        text: 'how long the page stays: minutes or hours, as in 30m or 8h',
      },
      {
        name: 'address',
        value: 'ADDRESS',
        type: text,
        text: 'address of this machine for the page; default: those in local networks',
      },
    ],
    examples: [
      ['sudo roomkin open', 'Show the page for an hour.'],
      ['roomkin open --for 8h', 'Show it for a working day.'],
    ],
    exitCodes: [64, 65, 69, 74, 78],
  },
  {
    name: 'pause',
    group: 'Every day:',
    summary: 'Stop the camera until `resume`; survives restarts.',
    details:
      'The process of the camera ends, so the light of the camera goes out. Where the file has several rooms, all of them are paused, or ' +
      'the one that --room names.',
    usage: ['pause'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin pause', 'Stop the camera.'],
      ['roomkin pause --room kitchen', 'Stop the camera of one of several rooms.'],
      ['roomkin pause --config lab.toml', 'Stop the cameras of another daemon.'],
    ],
    exitCodes: [64, 69, 74, 78],
  },
  {
    name: 'resume',
    group: 'Every day:',
    summary: 'Start the camera again after `pause`.',
    details:
      '`roomkin status` shows when frames arrive. Where the file has several rooms, --room says which one starts.',
    usage: ['resume'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin resume', 'Start the camera.'],
      ['roomkin resume --room kitchen', 'Start the camera of one of several rooms.'],
      ['roomkin resume --config lab.toml', 'Start the camera of another daemon.'],
    ],
    exitCodes: [64, 69, 74, 78],
  },
  {
    name: 'why',
    group: 'Explain and correct:',
    summary: 'Explain the last observations: nearest people, margin, deciding rule.',
    details: 'It asks the daemon. If no daemon runs, it reads the journal of the last one.',
    usage: ['why [--last N]'],
    arguments: [],
    options: [
      {
        name: 'last',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 200, unit: 'observations' },
        default: 10,
        text: 'number of observations',
      },
    ],
    examples: [
      ['roomkin why', 'Explain the last 10 observations.'],
      ['roomkin why --last 50 --json', 'The last 50, for a script.'],
    ],
    exitCodes: [64, 69, 78],
  },
  {
    name: 'correct',
    group: 'Explain and correct:',
    summary: 'Correct an observation that `why` lists: who it is, or is not.',
    details: 'A correction that would cause errors is refused, with the reason.',
    usage: ['correct ID [--not NAME] [--is NAME]', 'correct --list', 'correct --undo N'],
    arguments: [
      {
        name: 'ID',
        type: { kind: 'id', of: 'observation', listedBy: 'roomkin why' },
        required: false,
        text: 'number of an observation, as roomkin why prints it',
      },
    ],
    options: [
      { name: 'not', value: 'NAME', type: text, text: 'the observation is not this person' },
      { name: 'is', value: 'NAME', type: text, text: 'the observation is this person' },
      { name: 'list', type: flag, text: 'list the corrections with their numbers' },
      {
        name: 'undo',
        value: 'N',
        type: { kind: 'id', of: 'correction', listedBy: 'roomkin correct --list' },
        text: 'revert the correction with this number',
      },
    ],
    examples: [
      ['roomkin correct 128 --not Ada --is Ben', 'Observation 128 is Ben, not Ada.'],
      ['roomkin correct --undo 3', 'Revert correction 3.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'replay',
    group: 'Explain and correct:',
    summary: 'Re-evaluate the last day with the present gallery and thresholds.',
    details: 'It shows which decisions would be different. It only reads, so the daemon may run.',
    usage: ['replay [--since 24h]'],
    arguments: [],
    options: [
      {
        name: 'since',
        value: 'DURATION',
        type: { kind: 'duration', maxHours: 24 },
        default: '24h',
        text: 'period before now: minutes, hours or days, as in 90m, 6h or 1d',
      },
    ],
    examples: [
      ['roomkin replay', 'Re-evaluate the last 24 hours.'],
      ['roomkin replay --since 90m', 'Re-evaluate the last 90 minutes.'],
    ],
    exitCodes: [64, 74, 78],
  },
  {
    name: 'calibrate',
    group: 'Explain and correct:',
    summary: 'Show the thresholds of each person, and who needs photos.',
    details: 'The daemon calibrates by itself after every change of the gallery.',
    usage: ['calibrate'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin calibrate', 'Show the thresholds of everybody.'],
      ['roomkin calibrate --json', 'The same, for a script.'],
    ],
    exitCodes: [64, 74, 78],
  },
  {
    name: 'identify',
    group: 'Explain and correct:',
    summary: 'Show who is in pictures, and why.',
    details: 'It prints each face with its similarity, margin and deciding rule.',
    usage: ['identify FILE...'],
    arguments: [photoFiles],
    options: [],
    examples: [
      ['roomkin identify party.jpg', 'Name the faces in a picture.'],
      ['roomkin identify pictures/ --json', 'Name those of a folder, for a script.'],
    ],
    exitCodes: [64, 65, 70, 74, 78],
  },
  {
    name: 'check',
    group: 'Check and measure:',
    summary: 'Check everything that roomkin needs here, and say what to do.',
    details:
      'It works with or without a running daemon, and changes nothing. --privacy shows instead what is there: the files of the ' +
      'state directory, and the processes of the daemon with their connections.',
    usage: ['check [--privacy]'],
    arguments: [],
    options: [{ name: 'privacy', type: flag, text: 'show which files are kept and which connections are open' }],
    examples: [
      ['roomkin check', 'Check this machine and its configuration.'],
      ['roomkin check --privacy', 'See what is kept, and who is connected.'],
    ],
    exitCodes: [64, 69, 70, 74, 78],
  },
  {
    name: 'demo',
    group: 'Check and measure:',
    summary: 'Show roomkin without a Pi, a broker or a configuration.',
    details:
      'The daemon, the models and the broker are real; only the room and its people are drawn. Nothing is stored.',
    usage: ['demo'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin demo', 'Watch two enrolled people and an unknown person come and go.'],
      ['roomkin demo --json', 'The same, with a line of JSON for each event.'],
    ],
    exitCodes: [64, 70, 74, 78],
  },
  {
    name: 'detect',
    group: 'Check and measure:',
    summary: 'Show the faces in pictures: box, landmarks, score, quality.',
    details: 'It needs no configuration and no gallery.',
    usage: ['detect FILE... [--draw OUT]'],
    arguments: [photoFiles],
    options: [
      { name: 'draw', value: 'OUT', type: text, text: 'save the picture with the faces marked (.jpg, .png, .webp)' },
    ],
    examples: [
      ['roomkin detect photo.jpg', 'List the faces in a picture.'],
      ['roomkin detect photo.jpg --draw marked.jpg', 'Mark them in a copy.'],
    ],
    exitCodes: [64, 65, 70, 74, 78],
  },
  {
    name: 'evaluate',
    group: 'Check and measure:',
    summary: 'Measure recognition on pictures of known people.',
    details:
      'pairs: the verification protocol of LFW; a line of the pairs file is `label fold imageA imageB [kind]`. ' +
      'household: identification in random households made from DIR/<person>/*.jpg. ' +
      '--plot draws the DET curve, also that of the teacher of the embedder where its package is installed; the evaluation ' +
      'then takes twice as long.',
    usage: [
      'evaluate pairs --images DIR --pairs FILE [--limit N] [--plot FILE.svg]',
      'evaluate household --images DIR [--people N] [--references N] [--trials N] [--alike] [--plot FILE.svg]',
    ],
    arguments: [
      {
        name: 'PROTOCOL',
        type: { kind: 'choice', choices: ['pairs', 'household'] },
        required: true,
        text: 'what to measure',
      },
    ],
    options: [
      { name: 'images', value: 'DIR', type: text, needed: true, text: 'folder with the pictures' },
      { name: 'embedder', value: 'ID', type: text, text: 'embedder in the manifest; default: the configured one' },
      {
        name: 'degrade',
        value: 'GRADE',
        type: { kind: 'choice', choices: ['low'] },
        text: 'first make the probe pictures small, dark, noisy or blurred',
      },
      {
        name: 'seed',
        value: 'N',
        type: { kind: 'integer', min: 0, max: 999_999_999, unit: null },
        default: 1,
        text: 'seed of the random numbers',
      },
      { name: 'plot', value: 'FILE', type: text, text: 'write the DET curve (FNIR over FPIR) to FILE.svg' },
      { name: 'compare', value: 'FILE', type: text, text: 'also draw the result that evaluate --json wrote to FILE' },
      { name: 'pairs', value: 'FILE', type: text, needed: true, only: 'pairs', text: 'the pairs file' },
      {
        name: 'limit',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1_000_000, unit: 'pairs' },
        only: 'pairs',
        text: 'use this number of pairs, spread over the file; default: all',
      },
      {
        name: 'people',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1000, unit: 'people' },
        default: 8,
        only: 'household',
        text: 'members of each household',
      },
      {
        name: 'references',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1000, unit: 'photos' },
        default: 5,
        only: 'household',
        text: 'enrolled photos of each member',
      },
      {
        name: 'trials',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1_000_000, unit: 'households' },
        default: 100,
        only: 'household',
        text: 'number of households',
      },
      { name: 'alike', type: flag, only: 'household', text: 'draw members in pairs that look alike' },
    ],
    examples: [
      ['roomkin evaluate pairs --images lfw --pairs pairs.txt', 'Measure LFW.'],
      ['roomkin evaluate household --images faces --people 4', 'Measure households of four.'],
      [
        'roomkin evaluate household --images faces --plot det.svg --compare old.json',
        'Draw the curve beside an old one.',
      ],
    ],
    exitCodes: [64, 65, 70, 74, 78],
  },
  {
    name: 'bench',
    group: 'Check and measure:',
    summary: 'Measure the speed of each stage, and the memory of the models.',
    details:
      'For each stage: the first run, the median, the 95th percentile and the processor time. For frames with 0, 1, 3 and 12 drawn faces: how ' +
      'many a second this machine sustains. The last line is for an issue. It needs no configuration.',
    usage: ['bench [--embedder ID] [--threads N] [--manifest FILE] [--seconds N]'],
    arguments: [],
    options: [
      { name: 'embedder', value: 'ID', type: text, text: 'embedder in the manifest; default: the int8 one' },
      {
        name: 'threads',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 16, unit: 'threads' },
        default: 1,
        text: 'threads of each model',
      },
      { name: 'manifest', value: 'FILE', type: text, text: 'manifest of the models; default: the shipped one' },
      {
        name: 'seconds',
        value: 'N',
        type: { kind: 'number', min: 0.05, max: 60, unit: 'seconds' },
        default: 1,
        text: 'time spent on each stage',
      },
    ],
    examples: [
      ['roomkin bench', 'Measure with one thread.'],
      ['roomkin bench --threads 2 --seconds 5', 'Measure longer, with two threads.'],
    ],
    exitCodes: [64, 70, 78],
  },
  {
    name: 'export',
    group: 'Backup:',
    summary: 'Back up the gallery to an encrypted file.',
    details: 'The passphrase needs at least 10 characters. An existing file is not overwritten.',
    usage: ['export FILE [--passphrase-file FILE]'],
    arguments: [{ name: 'FILE', type: text, required: true, text: 'backup file to write' }],
    options: [passphraseFile],
    examples: [
      ['roomkin export people.backup', 'Ask for a passphrase and write the backup.'],
      ['roomkin export people.backup --passphrase-file secret', 'The same from a script.'],
    ],
    exitCodes: [64, 74, 78],
  },
  {
    name: 'import',
    group: 'Backup:',
    summary: 'Restore a backup of the gallery.',
    details: 'People who are enrolled here already do not change, unless --replace is given.',
    usage: ['import FILE [--passphrase-file FILE] [--replace]'],
    arguments: [{ name: 'FILE', type: text, required: true, text: 'backup file that roomkin export wrote' }],
    options: [passphraseFile, { name: 'replace', type: flag, text: 'replace the people here by those of FILE' }],
    examples: [
      ['roomkin import people.backup', 'Restore the people who are missing.'],
      ['roomkin import people.backup --replace', 'Restore everybody as they were.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
] as const satisfies readonly VerbDefinition[];

export type VerbName = (typeof verbs)[number]['name'];

/** A period before now. */
export interface Duration {
  /** As typed: `24h`. */
  readonly text: string;
  readonly ms: number;
}

type Value<T> = T extends { readonly kind: 'switch' }
  ? boolean
  : T extends { readonly kind: 'integer' | 'number' | 'id' }
    ? number
    : T extends { readonly kind: 'duration' }
      ? Duration
      : T extends { readonly kind: 'choice'; readonly choices: readonly (infer C)[] }
        ? C
        : string;
type Several<D, V> = D extends { readonly many: true } ? readonly V[] : V;
type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;
type Definition<N extends VerbName> = Extract<(typeof verbs)[number], { readonly name: N }>;
type ArgumentsOf<D> = D extends { readonly arguments: readonly (infer A)[] } ? A : never;
type OptionsOf<D> = D extends { readonly options: readonly (infer O)[] } ? O : never;

/**
 * The parsed arguments and options of a verb: arguments by their names in camelCase (`newName`), options likewise. Without a value on
 * the command line it is the default, false for a switch, an empty list for an argument that repeats, otherwise undefined.
 */
export type Given<N extends VerbName> = {
  readonly [A in ArgumentsOf<Definition<N>> as A extends { readonly name: infer S extends string }
    ? CamelCase<Lowercase<S>>
    : never]: A extends { readonly required: boolean; readonly type: infer T }
    ? Several<A, Value<T>> | (A extends { readonly required: true } | { readonly many: true } ? never : undefined)
    : never;
} & {
  readonly [O in OptionsOf<Definition<N>> as O extends { readonly name: infer S extends string }
    ? CamelCase<S>
    : never]: O extends { readonly type: infer T }
    ?
        | Several<O, Value<T>>
        | (O extends { readonly only: string }
            ? O extends { readonly type: { kind: 'switch' } } | { readonly default: unknown }
              ? never
              : undefined
            : O extends
                  | { readonly type: { kind: 'switch' } }
                  | { readonly default: unknown }
                  | { readonly needed: true }
              ? never
              : undefined)
    : never;
};

/** The error for a command line that `verb` does not accept (exit 64). */
export function misused(verb: VerbName, why: string): RoomkinError {
  const { usage } = verbs.find((definition) => definition.name === verb) as VerbDefinition;
  return fail('USAGE', `${why}; ${usage.length === 1 ? `usage: roomkin ${usage[0]}` : `see roomkin help ${verb}`}`);
}
