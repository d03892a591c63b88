// The table of verbs → commander's program. It parses values, lays out help, and turns commander's errors into one USAGE sentence.
// It loads no verb.
import { Argument, Command, CommanderError, type Help, Option } from 'commander';
import { fail, oneLine, type RoomkinError } from '../base/errors.js';
import { printable } from '../base/printable.js';
import type { Stream } from './command.js';
import { wrap } from './rows.js';
import {
  type ArgumentDefinition,
  commonOptions,
  type Duration,
  exitCodeTexts,
  misused,
  type OptionDefinition,
  type Placeholder,
  type ValueType,
  type VerbDefinition,
  type VerbName,
  verbs,
} from './verbs.js';

/** The values of `commonOptions`. */
export interface CommonOptions {
  readonly config: string | null;
  /** The room that `--room` names; null for none, and for a verb whose own option has this name. */
  readonly room: string | null;
  readonly json: boolean;
}

/** Runs a verb; `given` is a `Given` of that verb. */
export type RunVerb = (
  verb: VerbName,
  given: Readonly<Record<string, unknown>>,
  common: CommonOptions,
) => Promise<void>;

/** The longest line of help, independent of the terminal. */
const helpColumns = 80;
const commonHeading = 'Everywhere:';

/**
 * The program of every verb. `parseAsync` rejects with a USAGE error, with what `run` rejects with, or, after help and version,
 * with a CommanderError whose exit code is 0.
 */
export function createProgram(version: string, run: RunVerb, stdout: Stream): Command {
  const program = new Command('roomkin')
    .usage('VERB [OPTION...]')
    // Options of the program come before the verb, and each verb has the common options as well. So the command that defines an
    // option always reads its value.
    .enablePositionalOptions()
    .version(version, '--version', 'show the version')
    .helpOption(false)
    .helpCommand(false)
    .option('-h, --help', 'show this help, or the help of a verb')
    .configureHelp({ ...layout, visibleCommands: (command) => command.commands.slice() })
    .configureOutput({
      writeOut: (text) => stdout.write(text.split('\n').map(printable).join('\n')),
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => helpColumns,
    })
    .addHelpText(
      'after',
      '\nroomkin help VERB explains a verb. Without --config FILE the configuration is\n' +
        '$ROOMKIN_CONFIG or /etc/roomkin/config.toml.',
    );
  for (const option of commonOptions) program.addOption(optionOf(option, null));
  program.hook('preSubcommand', (_, verb) => {
    if (program.opts()['help']) verb.help();
  });
  program.exitOverride((error) => {
    if (error.code !== 'commander.help' || error.exitCode === 0) throw refusal(error, program, null);
    if (!program.opts()['help']) throw fail('USAGE', 'a verb is needed: see roomkin help');
    program.outputHelp();
    throw new CommanderError(0, error.code, error.message);
  });
  for (const definition of verbs) program.addCommand(verbOf(definition, program, run));
  program.addCommand(helpVerb(program));
  return program;
}

function verbOf(definition: VerbDefinition & { readonly name: VerbName }, program: Command, run: RunVerb): Command {
  const { name, options } = definition;
  const verb = new Command(name)
    .copyInheritedSettings(program)
    .configureHelp(layout)
    .usage(formsOf(definition))
    .summary(definition.summary)
    .description(`${definition.summary} ${definition.details}`)
    .helpGroup(definition.group)
    .addHelpOption(new Option('-h, --help', 'show this help').helpGroup(commonHeading))
    .addHelpText('after', `\n${ending(definition)}`)
    .exitOverride((error) => {
      throw refusal(error, verb, name);
    });
  for (const argument of definition.arguments) verb.addArgument(argumentOf(argument, name));
  for (const option of options) verb.addOption(optionOf(option, name));
  const own = new Set<string>(options.map((option) => option.name));
  const common = commonOptions.filter((option) => !own.has(option.name));
  for (const option of common) verb.addOption(optionOf(option, name).helpGroup(commonHeading));
  return verb.action(async () => {
    const given: Record<string, unknown> = {};
    for (const [index, argument] of verb.registeredArguments.entries())
      given[camelCase(argument.name().toLowerCase())] = verb.processedArgs[index];
    for (const option of options) {
      refuseMisplaced(option, verb, name);
      given[camelCase(option.name)] = verb.getOptionValue(camelCase(option.name));
    }
    const [before, after] = [program.opts(), verb.opts()];
    const config: string | undefined = after['config'] ?? before['config'];
    const room: string | undefined = own.has('room') ? undefined : (after['room'] ?? before['room']);
    await run(name, given, { config: config ?? null, room: room ?? null, json: before['json'] || after['json'] });
  });
}

function helpVerb(program: Command): Command {
  const help = new Command('help')
    .copyInheritedSettings(program)
    .argument('[VERB]')
    .helpGroup('Help:')
    .helpOption(false);
  for (const option of commonOptions) help.addOption(optionOf(option, null));
  return help
    .option('-h, --help')
    .summary('Show this list, or the help of a verb.')
    .exitOverride((error) => {
      throw refusal(error, help, null);
    })
    .action(async (word: string | undefined) => {
      const verb = program.commands.find((command) => command.name() === word && command !== help);
      if (word === undefined || word === 'help') program.outputHelp();
      else if (verb) verb.outputHelp();
      // Parsing it as a verb gives the error for an unknown verb, with the nearest one.
      else await program.parseAsync(['--', word], { from: 'user' });
    });
}

/** Errors: USAGE for an option that is missing, or that does not belong to the first argument. */
function refuseMisplaced({ name, value, only, needed }: OptionDefinition, verb: Command, verbName: VerbName): void {
  const key = camelCase(name);
  const [first] = verb.args;
  const fits = only === undefined || only === first;
  if (!fits && verb.getOptionValueSource(key) === 'cli') throw misused(verbName, `--${name} is not for ${first}`);
  if (fits && needed && verb.getOptionValue(key) === undefined) throw misused(verbName, `--${name} ${value} is needed`);
}

function argumentOf({ name, type, required, many, text }: ArgumentDefinition, verb: VerbName): Argument {
  const dots = many ? '...' : '';
  const argument = new Argument(required ? `<${name}${dots}>` : `[${name}${dots}]`, text);
  if (type.kind === 'choice') return argument.choices(type.choices);
  return argument.argParser(parserOf(type, name, many === true, verb));
}

/** What an option does, with its range and its default. */
export function optionText({ text, only, needed, type, default: preset }: OptionDefinition): string {
  const notes = [...(only ? [`for ${only}`] : []), ...(needed ? ['required'] : []), ...rangeOf(type, preset)];
  return notes.length === 0 ? text : `${text} (${notes.join('; ')})`;
}

/** `verb` is null for an option of the program. */
function optionOf(definition: OptionDefinition, verb: VerbName | null): Option {
  const { name, value, type, many, default: preset, hidden } = definition;
  const description = optionText(definition);
  if (type.kind === 'switch') return new Option(`--${name}`, description).default(false).hideHelp(hidden === true);
  const option = new Option(`--${name} <${value}${many ? '...' : ''}>`, description);
  if (type.kind === 'choice') option.choices(type.choices);
  else option.argParser(parserOf(type, labelOf(name, value!, type), many === true, verb));
  if (preset === undefined) return option;
  return option.default(type.kind === 'duration' ? parseDuration(String(preset)) : preset);
}

/** The name in messages: the option; for the number of a thing, the placeholder as well. */
function labelOf(name: string, value: Placeholder, type: ValueType): string {
  return type.kind === 'id' ? `--${name} ${value}` : `--${name}`;
}

function rangeOf(type: OptionDefinition['type'], preset: number | string | undefined): string[] {
  const unit = 'unit' in type && type.unit !== null ? ` ${type.unit}` : '';
  const standard = preset === undefined ? [] : [`default: ${preset}${preset === 1 ? unit.replace(/s$/, '') : unit}`];
  if (type.kind === 'choice') return [`one of: ${type.choices.join(', ')}`];
  if (type.kind === 'duration') return [...standard, `at most: ${type.maxHours}h`];
  if (type.kind !== 'integer' && type.kind !== 'number') return standard;
  return [...standard, `${type.min} to ${type.max}${preset === undefined ? unit : ''}`];
}

// Values. All numbers of the command line are parsed here.

type Parser = (word: string, previous: unknown) => unknown;

/** Parses one value; with `many`, appends it to the values before it. Errors: USAGE. */
function parserOf(type: ValueType, label: string, many: boolean, verb: VerbName | null): Parser {
  const parse = (word: string): unknown => {
    const value = parseValue(type, word);
    if (value === null) throw usageError(verb, `${label} ${expected(type, word)}`);
    return value;
  };
  return many ? (word, previous) => [...((previous as unknown[] | undefined) ?? []), parse(word)] : parse;
}

/** null for a word that is not a value of `type`. */
function parseValue(type: ValueType, word: string): string | number | Duration | null {
  switch (type.kind) {
    case 'integer':
      return /^\d{1,12}$/.test(word) ? within(Number(word), type) : null;
    case 'number':
      return /^\d{1,12}(\.\d{1,12})?$|^\.\d{1,12}$/.test(word) ? within(Number(word), type) : null;
    case 'id':
      return /^\d{1,12}$/.test(word) ? Number(word) : null;
    case 'duration': {
      const duration = parseDuration(word);
      return duration === null || duration.ms > type.maxHours * hourMs ? null : duration;
    }
    default:
      return word;
  }
}

function within(value: number, { min, max }: { readonly min: number; readonly max: number }): number | null {
  return value >= min && value <= max ? value : null;
}

const hourMs = 3_600_000;

function parseDuration(text: string): Duration | null {
  const [, amount, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const unitMs = { m: hourMs / 60, h: hourMs, d: 24 * hourMs }[unit ?? ''];
  if (amount === undefined || unitMs === undefined || Number(amount) === 0) return null;
  return { text, ms: Number(amount) * unitMs };
}

/** The end of an error message: what a value of `type` looks like, and that `word` is not one. */
function expected(type: ValueType, word: string): string {
  const instead = word === '' ? 'not an empty text' : `not ${oneLine(word, 40)}`;
  switch (type.kind) {
    case 'integer':
    case 'number': {
      const range = `from ${type.min} to ${type.max}${type.unit === null ? '' : ` ${type.unit}`}`;
      return `must be a ${type.kind === 'integer' ? 'whole number' : 'number'} ${range}, ${instead}`;
    }
    case 'id':
      return `must be a number: ${oneLine(word, 40)} is not the number of ${article(type.of)} (${type.listedBy} prints them)`;
    case 'duration':
      return `must be minutes, hours or days (90m, 24h, 1d), at most ${type.maxHours} hours, ${instead}`;
    default:
      return `cannot be ${oneLine(word, 40)}`;
  }
}

function article(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

// Errors. Commander's messages are for developers; a user gets one sentence that says what to do.

const needs: Readonly<Record<Placeholder, string>> = {
  ADDRESS: 'an address',
  DIR: 'a folder',
  DURATION: 'a duration',
  FILE: 'a file',
  GRADE: 'a grade',
  ID: 'an ID',
  N: 'a number',
  NAME: 'a name',
  'NEW-NAME': 'a name',
  OUT: 'a file',
  PATH: 'a path',
  PROTOCOL: 'a protocol',
  URL: 'an address',
  USER: 'a user',
};

/** The USAGE error for an error of commander; help and version are returned unchanged. */
function refusal(error: CommanderError, command: Command, verb: VerbName | null): RoomkinError | CommanderError {
  if (error.exitCode === 0) return error;
  const sentence = oneLine(sentenceOf(error, command), 400);
  // The usage of the verb adds nothing where the sentence suggests what to write, or the option is a common one.
  const isComplete = sentence.endsWith('?') || commonOptions.some(({ name }) => sentence.startsWith(`--${name} `));
  return usageError(isComplete ? null : verb, sentence);
}

function usageError(verb: VerbName | null, sentence: string): RoomkinError {
  return verb === null ? fail('USAGE', sentence) : misused(verb, sentence);
}

function sentenceOf({ code, message }: CommanderError, { args, registeredArguments }: Command): string {
  const [line = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const quoted = /'(.*?)'/s.exec(message)?.[1] ?? '';
  const guess = suggestion?.replace(/^\(D/, 'd').replace(/\)$/, '');
  switch (code) {
    case 'commander.unknownCommand':
      return `there is no verb ${oneLine(quoted, 40)}: ${guess ?? 'see roomkin help'}`;
    case 'commander.unknownOption':
      return `unknown option '${oneLine(quoted, 40)}'${guess === undefined ? '' : `: ${guess}`}`;
    case 'commander.optionMissingArgument': {
      const [, option, value] = /^(--\S+) <(.*?)(?:\.\.\.)?>$/.exec(quoted) ?? [];
      return `${option} needs ${needs[value as Placeholder]}`;
    }
    case 'commander.missingArgument':
      return `${quoted} is missing`;
    case 'commander.excessArguments': {
      const word = oneLine(args[registeredArguments.length] ?? '', 40);
      const isName = registeredArguments.at(-1)?.name().endsWith('NAME');
      return `${word} is not expected here${isName ? ': a name with spaces is written in quotes' : ''}`;
    }
    case 'commander.invalidArgument': {
      const choices = /Allowed choices are (.*)\.$/s.exec(message)?.[1] ?? '';
      const option = /^option '(--\S+) /.exec(line)?.[1];
      if (option !== undefined) return `${option} must be one of: ${choices}`;
      return `${/for argument '(.*?)'/s.exec(message)?.[1]} must be ${choices.replaceAll(', ', ' or ')}`;
    }
    default:
      return line;
  }
}

// Help.

const layout: Partial<Help> = {
  argumentTerm: (argument) => `${argument.name()}${argument.variadic ? '...' : ''}`,
  argumentDescription: ({ description, argChoices }) =>
    argChoices === undefined ? description : `${description} (${argChoices.join(' or ')})`,
  optionTerm: ({ flags }) => flags.replace(/[<>]/g, ''),
  optionDescription: ({ description }) => description,
  subcommandTerm: (command) => command.name(),
  subcommandDescription: (command) => command.summary(),
  commandDescription: (command) => command.description(),
  commandUsage: (command) => `roomkin ${command.usage()}`,
};

/** The usages of a verb, one below the other, after `Usage: roomkin `. */
function formsOf({ usage }: VerbDefinition): string {
  const indent = ' '.repeat('Usage: '.length);
  const hanging = `${indent}${' '.repeat('roomkin '.length + 4)}`;
  const forms = usage.map((form) => {
    // Lines break before a bracket, never inside one.
    const whole = form.replace(/\[[^\]|]*\]/g, (part) => part.replaceAll(' ', '\u00a0'));
    return wrap(whole, helpColumns - hanging.length).join(`\n${hanging}`);
  });
  return forms.join(`\n${indent}roomkin `).replaceAll('\u00a0', ' ');
}

function ending({ examples, exitCodes }: VerbDefinition): string {
  const codes = [0, ...exitCodes] as const;
  return [
    'Examples:',
    ...examples.flatMap(([line, effect]) => [`  ${line}`, `      ${effect}`]),
    '',
    'Exit codes:',
    ...codes.map((code) => `  ${String(code).padStart(2)}  ${exitCodeTexts[code]}`),
  ].join('\n');
}
