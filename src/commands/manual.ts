// The table of verbs as a man page (roff) and as completions for bash and zsh. scripts/build-share.js writes them to dist/share.
import { optionText } from './program.js';
import {
  type ArgumentDefinition,
  commonOptions,
  exitCodeTexts,
  type OptionDefinition,
  type Placeholder,
  type ValueType,
  type VerbDefinition,
  verbs,
} from './verbs.js';

const table: readonly VerbDefinition[] = verbs;
const common: readonly OptionDefinition[] = commonOptions;
const shown = ({ options }: VerbDefinition): readonly OptionDefinition[] => options.filter(({ hidden }) => !hidden);
const groups = [...new Set(table.map(({ group }) => group))];

// The man page.

const intro = `roomkin tells Home Assistant who is in the room. One daemon per room reads the camera, recognises the people who are
enrolled and publishes over MQTT who is there. The verbs enrol people, show what the daemon knows, explain its decisions and check the
installation. Most of them ask the running daemon, which root and the group roomkin may do; those that enrol, rename, forget, back up or
share people need sudo.`;

const environment: readonly (readonly [name: string, text: string])[] = [
  ['ROOMKIN_CONFIG', 'the configuration where --config is not given'],
  ['NO_COLOR', 'roomkin look draws without colours'],
  ['TERM', 'with the value dumb nothing is overwritten or coloured'],
  ['ROOMKIN_STACK', 'INTERNAL errors are printed with their stack'],
];

const files: readonly (readonly [path: string, text: string])[] = [
  ['/etc/roomkin/config.toml', 'the configuration; config.example.toml explains every key'],
  ['/var/lib/roomkin', 'gallery, journal and settings, encrypted; closed to all but the daemon'],
  ['/run/roomkin/ROOM.sock', 'the socket of the daemon, for its group'],
];

/** roomkin(1) as roff. The same table gives the same bytes. */
export function manPage(version: string): string {
  const codes = Object.entries(exitCodeTexts).map(([code, text]) => item(bold(code), text));
  return `${[
    `.TH ROOMKIN 1 "" "roomkin ${version}" "User Commands"`,
    '.SH NAME',
    'roomkin \\- tells Home Assistant who is in the room',
    '.SH SYNOPSIS',
    `${bold('roomkin')} ${italic('VERB')} [${italic('OPTION')}...]`,
    '.br',
    `${bold('roomkin help')} [${italic('VERB')}]`,
    '.SH DESCRIPTION',
    roff(intro),
    '.SH OPTIONS OF EVERY VERB',
    ...common.map(optionItem),
    item(bold('--version'), 'print the version'),
    item(bold('-h, --help'), 'print the help of a verb'),
    ...groups.flatMap((group) => [
      `.SH ${roff(group.replace(/:$/, '').toUpperCase())}`,
      ...table.filter((verb) => verb.group === group).flatMap(verbSection),
    ]),
    '.SH EXIT STATUS',
    ...codes,
    item(bold('130'), 'Ctrl-C ended the command'),
    'With --json an error is also a document on stdout: {"error":{"code":"...","message":"...","exitCode":64}}.',
    '.SH ENVIRONMENT',
    ...environment.map(([name, text]) => item(bold(name), text)),
    '.SH FILES',
    ...files.map(([path, text]) => item(italic(path), text)),
    '.SH SEE ALSO',
    'The folder docs of the installation: errors.md, mqtt.md, control\\-socket.md, home\\-assistant.md, glossary.md.',
  ].join('\n')}\n`;
}

function verbSection(verb: VerbDefinition): string[] {
  const { name, usage, summary, details, arguments: positional, examples } = verb;
  return [
    `.SS ${roff(name)}`,
    ...usage.flatMap((form) => [bold(`roomkin ${form}`), '.br']),
    '.PP',
    roff(`${summary} ${details}`),
    ...positional.map((argument) => item(italic(labelOf(argument)), argumentText(argument))),
    ...shown(verb).map(optionItem),
    '.PP',
    'Examples:',
    ...examples.map(([line, effect]) => item(bold(line), effect)),
  ];
}

function labelOf({ name, many }: ArgumentDefinition): string {
  return `${name}${many ? '...' : ''}`;
}

function argumentText({ text, type }: ArgumentDefinition): string {
  return type.kind === 'choice' ? `${text} (${type.choices.join(' or ')})` : text;
}

function optionItem(option: OptionDefinition): string {
  const value = option.value === undefined ? '' : ` ${italic(`${option.value}${option.many ? '...' : ''}`)}`;
  return item(`${bold(`--${option.name}`)}${value}`, optionText(option));
}

/** `term` is roff already. */
function item(term: string, text: string): string {
  return `.TP\n${term}\n${roff(text)}`;
}

const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;
const italic = (text: string): string => `\\fI${escaped(text)}\\fR`;

function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
}

/** A paragraph. A dot or quote at its beginning would be a request. */
function roff(text: string): string {
  return escaped(text.replaceAll(/\s+/g, ' ')).replace(/^[.']/, '\\&$&');
}

// Completions.

type Completed = 'file' | 'folder' | 'person' | 'none' | readonly string[];

const byPlaceholder: Readonly<Record<Placeholder, Completed>> = {
  ADDRESS: 'none',
  DIR: 'folder',
  DURATION: 'none',
  FILE: 'file',
  GRADE: 'none',
  ID: 'none',
  N: 'none',
  NAME: 'person',
  'NEW-NAME': 'none',
  OUT: 'file',
  PATH: 'file',
  PROTOCOL: 'none',
  URL: 'none',
  USER: 'none',
};

function completed(value: Placeholder, type: ValueType | { readonly kind: 'switch' }): Completed {
  return type.kind === 'choice' ? type.choices : byPlaceholder[value];
}

/** The names of the enrolled people, one a line; nothing where they cannot be had. */
const peopleCommand = `roomkin people --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4`;

/** The completion of bash, for share/bash-completion/completions/roomkin. */
export function bashCompletion(): string {
  const words = [...table.map(({ name }) => name), 'help'].join(' ');
  const cases = table.map((verb) => {
    const options = [...shown(verb), ...common];
    const list = [...options.map(({ name }) => `--${name}`), '--help'].join(' ');
    const [argument] = verb.arguments;
    const other = argument === undefined ? 'none' : completed(argument.name, argument.type);
    return `    ${verb.name}) options='${list}' argument='${bashKind(other)}' ;;`;
  });
  const values = new Map<string, string[]>();
  for (const option of [...table.flatMap(shown), ...common]) {
    if (option.value === undefined) continue;
    const kind = bashKind(completed(option.value, option.type));
    values.set(kind, [...new Set([...(values.get(kind) ?? []), `--${option.name}`])]);
  }
  const valueCases = [...values].map(([kind, names]) => `    ${names.join('|')}) kind='${kind}' ;;`);
  return `# bash completion for roomkin, made from the table of its verbs.
_roomkin_people() {
  ${peopleCommand}
}
_roomkin() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local verb='' options='--config --json --help --version' argument='' kind='' i name
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --config) ((i++)) ;;
      -*) ;;
      *)
        verb=\${COMP_WORDS[i]}
        break
        ;;
    esac
  done
  case $verb in
    '') argument='${words}' ;;
    help) argument='${words}' ;;
${cases.join('\n')}
  esac
  case $previous in
${valueCases.join('\n')}
    *) kind=$argument ;;
  esac
  if [[ $current == -* && $kind == "$argument" ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi
  case $kind in
    '') ;;
    FILES) mapfile -t COMPREPLY < <(compgen -f -- "$current") && compopt -o filenames 2>/dev/null ;;
    FOLDERS) mapfile -t COMPREPLY < <(compgen -d -- "$current") && compopt -o filenames 2>/dev/null ;;
    PEOPLE)
      while IFS= read -r name; do
        [[ \${name,,} == "\${current,,}"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
      done < <(_roomkin_people)
      ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
  esac
}
complete -F _roomkin roomkin
`;
}

function bashKind(kind: Completed): string {
  if (typeof kind !== 'string') return kind.join(' ');
  return { file: 'FILES', folder: 'FOLDERS', person: 'PEOPLE', none: '' }[kind];
}

/** The completion of zsh, for share/zsh/site-functions/_roomkin. */
export function zshCompletion(): string {
  const list = table.map(({ name, summary }) => `    ${zshQuoted(`${name}:${summary}`)}`);
  const cases = table.map((verb) => {
    const options = [...shown(verb), ...common].map((option) => {
      const again = option.many ? '*' : '';
      const value =
        option.value === undefined ? '' : `:${option.value}:${zshAction(completed(option.value, option.type))}`;
      return `${again}--${option.name}[${zshText(optionText(option))}]${value}`;
    });
    const positional = verb.arguments.map(
      ({ name, type, many }) => `${many ? '*' : ''}:${name}:${zshAction(completed(name, type))}`,
    );
    const lines = [
      ...options.map(zshQuoted),
      "'(-h --help)'{-h,--help}'[show this help]'",
      ...positional.map(zshQuoted),
    ];
    return `    ${verb.name})\n      _arguments -s ${lines.map((line) => `\\\n        ${line}`).join(' ')}\n      ;;`;
  });
  return `#compdef roomkin
# zsh completion for roomkin, made from the table of its verbs.
_roomkin_people() {
  local -a people
  people=("\${(@f)$(${peopleCommand})}")
  compadd -a people
}
_roomkin() {
  local context state line
  local -a verbs
  verbs=(
${list.join('\n')}
    'help:Show this list, or the help of a verb.'
  )
  _arguments -C '1: :->verb' '*:: :->rest' && return
  case $state in
    verb) _describe verb verbs ;;
    rest)
      case $line[1] in
    help) _describe verb verbs ;;
${cases.join('\n')}
      esac
      ;;
  esac
}
_roomkin "$@"
`;
}

function zshAction(kind: Completed): string {
  if (typeof kind !== 'string') return `(${kind.join(' ')})`;
  return { file: '_files', folder: '_files -/', person: '_roomkin_people', none: ' ' }[kind];
}

/** Brackets and colons have a meaning in the descriptions of _arguments. */
function zshText(text: string): string {
  return text.replaceAll(/[[\]:]/g, '\\$&');
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
