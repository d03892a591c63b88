// Every verb as plain data: what it is for, its arguments and options with units, ranges and defaults, examples, exit codes.
// `roomkin help`, the parser, the man page and the shell completions are made from this table, so it imports nothing heavy.
import { type ExitCode, fail, type RoomkinError } from '../base/errors.js';

/** What stands for a value in the usage of a verb. */
export type Placeholder =
  | 'DIR'
  | 'DURATION'
  | 'FILE'
  | 'GRADE'
  | 'ID'
  | 'N'
  | 'NAME'
  | 'NEW-NAME'
  | 'PATH'
  | 'PROTOCOL';

/** How a value is written, and what it may be. */
export type ValueType =
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** A quantity; `min` and `max` are allowed. */
  | {
      readonly kind: 'integer' | 'number';
      readonly min: number;
      readonly max: number;
      /** Plural, as in `from 1 to 200 faces`; null where the number counts nothing. */
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
  /** Refused without it (where `only` fits). */
  readonly needed?: true;
  /** Refused unless this is the first argument. */
  readonly only?: string;
  readonly text: string;
}

export interface VerbDefinition {
  readonly name: string;
  readonly group: string;
  /** One sentence for `roomkin help`. */
  readonly summary: string;
  /** What else there is to know, for `roomkin help VERB`. */
  readonly details: string;
  /** The forms of the command line, each without `roomkin`. */
  readonly usage: readonly string[];
  readonly arguments: readonly ArgumentDefinition[];
  readonly options: readonly OptionDefinition[];
  /** Command lines and what each does. */
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
  text: 'picture, or folder of pictures (JPEG, PNG, WebP)',
} as const;
const passphraseFile = {
  name: 'passphrase-file',
  value: 'FILE',
  type: text,
  text: 'take the passphrase from the first line of FILE instead of asking',
} as const;

/** The options that every verb takes, before the verb and after it. */
export const commonOptions = [
  {
    name: 'config',
    value: 'FILE',
    type: text,
    text: 'configuration; else $ROOMKIN_CONFIG, else /etc/roomkin/config.toml',
  },
  { name: 'json', type: flag, text: 'print the result, or the error, as JSON on stdout' },
] as const satisfies readonly OptionDefinition[];

/** The meaning of each exit code for `roomkin help VERB`; docs/errors.md lists the errors behind them. */
export const exitCodeTexts: Readonly<Record<ExitCode | 0, string>> = {
  0: 'done',
  64: 'the command line is not understood',
  65: 'a name, number, photo or file is refused',
  69: 'daemon or camera is not available, or a check failed',
  70: 'the recognition engine failed, or a bug',
  74: 'the disk or the database cannot be read or written',
  78: 'configuration, key file or model is missing or wrong',
};

/** Every verb, in the order of `roomkin help`. */
export const verbs = [
  {
    name: 'enrol',
    group: 'People:',
    summary: 'Learn a person, from photos or in front of the camera.',
    details:
      'Five to ten sharp photos in different light are good, with the eyes 40 px apart or more. All photos are ' +
      'analysed first; then all are kept, or none.',
    usage: [
      'enrol NAME --photos PATH... [--skip-bad] [--force]',
      'enrol NAME --live [--force]',
      'enrol --from DIR [--skip-bad] [--force]',
    ],
    arguments: [
      { ...name, required: false, text: 'name of the person; quote a name with spaces' },
      { name: 'PATH', type: text, required: false, many: true, text: 'more photos, where they follow another option' },
    ],
    options: [
      { name: 'photos', value: 'PATH', type: text, many: true, text: 'photos, or folders of photos, of this person' },
      { name: 'live', type: flag, text: "use the room's camera, through the running daemon" },
      {
        name: 'from',
        value: 'DIR',
        type: text,
        text: 'enrol everybody who has a folder of photos in DIR, named after them; DIR/unknown holds strangers',
      },
      { name: 'skip-bad', type: flag, text: 'leave photos out that cannot be used' },
      { name: 'force', type: flag, text: 'enrol in spite of a likeness to somebody who is enrolled' },
    ],
    examples: [
      ['roomkin enrol Ada --photos ada/*.jpg', 'Enrol Ada from her photos.'],
      ['roomkin enrol "Ben Okri" --live', 'Enrol Ben, who stands in front of the camera.'],
    ],
    exitCodes: [64, 65, 69, 70, 74, 78],
  },
  {
    name: 'people',
    group: 'People:',
    summary: 'List who is enrolled, check their photos, set photos aside.',
    details: 'Without an option it lists everybody, and whether the configured model can recognise them.',
    usage: ['people [--check | --set-aside ID... | --put-back ID...]'],
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
      { name: 'check', type: flag, text: 'find photos that do harm, and say what to do about them' },
      { name: 'set-aside', type: flag, text: 'stop using these photos' },
      { name: 'put-back', type: flag, text: 'use these photos again' },
    ],
    examples: [
      ['roomkin people --check', 'Find photos that do harm.'],
      ['roomkin people --set-aside 12 17', 'Stop using the photos 12 and 17.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'show',
    group: 'People:',
    summary: 'Show what is kept about a person.',
    details: 'Each photo with its number, its quality and its date.',
    usage: ['show NAME'],
    arguments: [name],
    options: [],
    examples: [
      ['roomkin show Ada', 'List the photos of Ada.'],
      ['roomkin show ada --json', 'The same for a script.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'rename',
    group: 'People:',
    summary: 'Give a person another name; the id stays.',
    details: 'MQTT topics and entities are made of the id, so automations go on working.',
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
    summary: 'Erase everything that is kept about a person.',
    details: 'Photos, corrections and the faces of the last day. It cannot be undone; a terminal is asked first.',
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
    summary: 'Share the gallery with other rooms: make, copy, show the key.',
    details:
      'Rooms with the same household key know and forget the same people. Without an option it shows what is shared. ' +
      'Restart roomkin after a change.',
    usage: ['household [--new | --join [--from FILE] | --show | --leave]'],
    arguments: [],
    options: [
      { name: 'new', type: flag, text: 'make the key, in the first room' },
      { name: 'join', type: flag, text: 'take the key of another room; asks for it' },
      { name: 'from', value: 'FILE', type: text, text: 'with --join: take the key from FILE instead of asking' },
      { name: 'show', type: flag, text: 'print the key, for another room' },
      { name: 'leave', type: flag, text: 'erase the key here; the people stay' },
    ],
    examples: [
      ['sudo roomkin household --new', 'Make a key in the first room.'],
      ['sudo roomkin household --join', 'Paste it in each other room.'],
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
      ['roomkin run', 'Run the configured room.'],
      ['roomkin run --json --config lab.toml', 'Run another one, each change as a line of JSON.'],
    ],
    exitCodes: [64, 69, 70, 74, 78],
  },
  {
    name: 'status',
    group: 'Every day:',
    summary: 'Show how the running daemon is.',
    details: 'Who is in the room, the camera, frames analysed per second, the engine, the gallery and the broker.',
    usage: ['status'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin status', 'Show it.'],
      ['roomkin status --json | jq .camera.state', 'One value for a script.'],
    ],
    exitCodes: [64, 69, 78],
  },
  {
    name: 'watch',
    group: 'Every day:',
    summary: 'Show who comes and goes, live.',
    details: 'One line for each change, until Ctrl-C or until the daemon stops.',
    usage: ['watch'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin watch', 'Show arrivals and departures.'],
      ['roomkin watch --json', 'The same, a line of JSON for each.'],
    ],
    exitCodes: [64, 69, 78],
  },
  {
    name: 'pause',
    group: 'Every day:',
    summary: 'Stop the camera until `resume`; survives restarts.',
    details: 'The process of the camera ends, so that its light goes out.',
    usage: ['pause'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin pause', 'Stop the camera.'],
      ['roomkin pause --config lab.toml', 'Stop the camera of another room.'],
    ],
    exitCodes: [64, 69, 74, 78],
  },
  {
    name: 'resume',
    group: 'Every day:',
    summary: 'Start the camera again after `pause`.',
    details: '`roomkin status` tells when frames arrive.',
    usage: ['resume'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin resume', 'Start the camera.'],
      ['roomkin resume --config lab.toml', 'Start the camera of another room.'],
    ],
    exitCodes: [64, 69, 74, 78],
  },
  {
    name: 'why',
    group: 'Explain and correct:',
    summary: 'Explain the last faces: best names, margin, deciding rule.',
    details: 'Asks the daemon; reads what the last one kept where none runs.',
    usage: ['why [--last N]'],
    arguments: [],
    options: [
      {
        name: 'last',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 200, unit: 'faces' },
        default: 10,
        text: 'how many faces',
      },
    ],
    examples: [
      ['roomkin why', 'Explain the last 10 faces.'],
      ['roomkin why --last 50 --json', 'The last 50 for a script.'],
    ],
    exitCodes: [64, 69, 78],
  },
  {
    name: 'correct',
    group: 'Explain and correct:',
    summary: 'Say who a face that `why` lists was not, or was.',
    details: 'A correction that would do harm is refused, with the reason.',
    usage: ['correct ID [--not NAME] [--is NAME]', 'correct --list', 'correct --undo N'],
    arguments: [
      {
        name: 'ID',
        type: { kind: 'id', of: 'look', listedBy: 'roomkin why' },
        required: false,
        text: 'number of a face, as roomkin why prints it',
      },
    ],
    options: [
      { name: 'not', value: 'NAME', type: text, text: 'the face is not this person' },
      { name: 'is', value: 'NAME', type: text, text: 'the face is this person' },
      { name: 'list', type: flag, text: 'list the corrections with their numbers' },
      {
        name: 'undo',
        value: 'N',
        type: { kind: 'id', of: 'correction', listedBy: 'roomkin correct --list' },
        text: 'take back the correction with this number',
      },
    ],
    examples: [
      ['roomkin correct 128 --not Ada --is Ben', 'Face 128 is Ben, not Ada.'],
      ['roomkin correct --undo 3', 'Take back correction 3.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
  {
    name: 'replay',
    group: 'Explain and correct:',
    summary: 'Try the present gallery and thresholds on the faces of the day.',
    details: 'Shows which decisions would have been different. It only reads: the daemon may run.',
    usage: ['replay [--since 24h]'],
    arguments: [],
    options: [
      {
        name: 'since',
        value: 'DURATION',
        type: { kind: 'duration', maxHours: 24 },
        default: '24h',
        text: 'how far back: minutes, hours or days, as in 90m, 6h or 1d',
      },
    ],
    examples: [
      ['roomkin replay', 'Try the last 24 hours.'],
      ['roomkin replay --since 90m', 'Try the last 90 minutes.'],
    ],
    exitCodes: [64, 74, 78],
  },
  {
    name: 'calibrate',
    group: 'Explain and correct:',
    summary: 'Show what each person needs for a name, and who needs photos.',
    details: 'The daemon does the same by itself after every change of the gallery.',
    usage: ['calibrate'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin calibrate', 'Show the thresholds of everybody.'],
      ['roomkin calibrate --json', 'The same for a script.'],
    ],
    exitCodes: [64, 74, 78],
  },
  {
    name: 'identify',
    group: 'Explain and correct:',
    summary: 'Say who is in pictures, and why.',
    details: 'Each face on its own, with similarity, margin and the deciding rule.',
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
    group: 'Examine and measure:',
    summary: 'Examine everything roomkin needs here, and say what to do.',
    details: 'It works without the daemon, asks it where it runs, and changes nothing.',
    usage: ['check'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin check', 'Examine this machine and its configuration.'],
      ['roomkin check --json', 'The same for a script.'],
    ],
    exitCodes: [64, 69, 70, 74, 78],
  },
  {
    name: 'demo',
    group: 'Examine and measure:',
    summary: 'Show it all without a Pi, a broker or a configuration.',
    details: 'Real daemon, models and broker; only the room is drawn. It keeps nothing.',
    usage: ['demo'],
    arguments: [],
    options: [],
    examples: [
      ['roomkin demo', 'Watch two people and a stranger come and go.'],
      ['roomkin demo --json', 'The same, a line of JSON for each event.'],
    ],
    exitCodes: [64, 70, 74, 78],
  },
  {
    name: 'detect',
    group: 'Examine and measure:',
    summary: 'Show the faces in pictures: box, landmarks, score, quality.',
    details: 'It needs no configuration and no gallery.',
    usage: ['detect FILE...'],
    arguments: [photoFiles],
    options: [],
    examples: [
      ['roomkin detect photo.jpg', 'List the faces in a picture.'],
      ['roomkin detect photos/ --json', 'List those of a folder, for a script.'],
    ],
    exitCodes: [64, 65, 70, 78],
  },
  {
    name: 'evaluate',
    group: 'Examine and measure:',
    summary: 'Measure recognition on pictures of known people.',
    details:
      'pairs: the verification protocol of LFW; a line of the pairs file is `label fold imageA imageB [kind]`. ' +
      'household: random households from DIR/<person>/*.jpg.',
    usage: [
      'evaluate pairs --images DIR --pairs FILE [--limit N]',
      'evaluate household --images DIR [--people N] [--references N] [--trials N] [--alike]',
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
      { name: 'images', value: 'DIR', type: text, needed: true, text: 'folder of the pictures' },
      { name: 'embedder', value: 'ID', type: text, text: 'embedder of the manifest; default: the configured one' },
      {
        name: 'degrade',
        value: 'GRADE',
        type: { kind: 'choice', choices: ['low'] },
        text: 'make the probe pictures small, dark, noisy or blurred first',
      },
      {
        name: 'seed',
        value: 'N',
        type: { kind: 'integer', min: 0, max: 999_999_999, unit: null },
        default: 1,
        text: 'start of the random numbers',
      },
      { name: 'pairs', value: 'FILE', type: text, needed: true, only: 'pairs', text: 'the pairs file' },
      {
        name: 'limit',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1_000_000, unit: 'pairs' },
        only: 'pairs',
        text: 'use this many, spread over the file; default: all',
      },
      {
        name: 'people',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1000, unit: 'people' },
        default: 8,
        only: 'household',
        text: 'members of a household',
      },
      {
        name: 'references',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1000, unit: 'photos' },
        default: 5,
        only: 'household',
        text: 'photos enrolled of each member',
      },
      {
        name: 'trials',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1_000_000, unit: 'households' },
        default: 100,
        only: 'household',
        text: 'how many households',
      },
      { name: 'alike', type: flag, only: 'household', text: 'members in pairs that look alike' },
    ],
    examples: [
      ['roomkin evaluate pairs --images lfw --pairs pairs.txt', 'Measure LFW.'],
      ['roomkin evaluate household --images faces --people 4', 'Measure households of four.'],
    ],
    exitCodes: [64, 65, 70, 78],
  },
  {
    name: 'bench',
    group: 'Examine and measure:',
    summary: 'Measure each stage here, plain TFLite against XNNPACK.',
    details: 'Times are in milliseconds, median and 95th percentile. It needs no configuration.',
    usage: ['bench [--embedder ID] [--threads N] [--manifest FILE] [--seconds N]'],
    arguments: [],
    options: [
      { name: 'embedder', value: 'ID', type: text, text: 'embedder of the manifest; default: the int8 one' },
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
        text: 'time for each stage',
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
    summary: 'Back the gallery up into an encrypted file.',
    details: 'The passphrase has 10 characters at least. An existing file is not overwritten.',
    usage: ['export FILE [--passphrase-file FILE]'],
    arguments: [{ name: 'FILE', type: text, required: true, text: 'the backup to write' }],
    options: [passphraseFile],
    examples: [
      ['roomkin export people.backup', 'Ask for a passphrase, write the backup.'],
      ['roomkin export people.backup --passphrase-file secret', 'The same from a script.'],
    ],
    exitCodes: [64, 74, 78],
  },
  {
    name: 'import',
    group: 'Backup:',
    summary: 'Bring a backup of the gallery back.',
    details: 'People who are enrolled here already stay as they are, unless --replace is given.',
    usage: ['import FILE [--passphrase-file FILE] [--replace]'],
    arguments: [{ name: 'FILE', type: text, required: true, text: 'a backup that roomkin export wrote' }],
    options: [passphraseFile, { name: 'replace', type: flag, text: 'take the people of FILE in place of those here' }],
    examples: [
      ['roomkin import people.backup', 'Bring back who is missing.'],
      ['roomkin import people.backup --replace', 'Bring back everybody as they were.'],
    ],
    exitCodes: [64, 65, 74, 78],
  },
] as const satisfies readonly VerbDefinition[];

export type VerbName = (typeof verbs)[number]['name'];

/** How far back a verb looks. */
export interface Duration {
  /** As it was written: `24h`. */
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
 * What was given to a verb, parsed: arguments by their lower-case names (`newName`), options by their names in camelCase.
 * What was not given is its default, false for a switch, an empty list for an argument that repeats, else undefined.
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

/** The error for a command line that `verb` does not take (exit 64). */
export function misused(verb: VerbName, why: string): RoomkinError {
  const { usage } = verbs.find((definition) => definition.name === verb) as VerbDefinition;
  return fail('USAGE', `${why}; ${usage.length === 1 ? `usage: roomkin ${usage[0]}` : `see roomkin help ${verb}`}`);
}
