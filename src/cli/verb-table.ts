/**
 * Every verb, declared. `--help`, completion and the argument parser read this table; the code of a verb is imported
 * only when it runs. Importing this file must stay free: `flyball --help` has 80 ms. It is as long as there are verbs:
 * one table, read from top to bottom as help shows it.
 */
import type { OptionDeclaration, VerbDeclaration } from './declaration.ts';

const verbose: OptionDeclaration = { type: 'boolean', short: 'v', help: 'More detail; errors come with their trace.' };

const output: Record<string, OptionDeclaration> = {
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    choices: ['table', 'json', 'ndjson', 'yaml', 'name'],
    help: 'table (default), json, ndjson, yaml or name.',
  },
  json: { type: 'boolean', help: 'The same as -o json.' },
};

const dataDir: Record<string, OptionDeclaration> = {
  'data-dir': {
    type: 'string',
    value: 'DIR',
    help: 'Data directory; default FLYBALL_DATA_DIR, ./.flyball beside a flyball.yaml, else the XDG data folder.',
  },
};

const server: Record<string, OptionDeclaration> = {
  url: {
    type: 'string',
    value: 'URL',
    help: 'Control API; default FLYBALL_URL, then what runs on the data directory, then http://127.0.0.1:8080.',
  },
  'ca-file': {
    type: 'string',
    value: 'FILE',
    help: 'Authority to trust over https; default FLYBALL_CA_FILE. Not needed for what runs on the data directory.',
  },
  ...dataDir,
};

const wait: Record<string, OptionDeclaration> = {
  'no-wait': { type: 'boolean', help: 'Return as soon as the server has accepted it.' },
  timeout: { type: 'string', value: 'TIME', help: 'Stop waiting after this; default 5m. The operation goes on.' },
};

const spec = {
  name: 'SPEC',
  optional: true,
  completes: 'files',
  help: 'Specification; default flyball.yaml in this folder.',
} as const;

const deployment = { name: 'DEPLOYMENT', completes: 'deployments', help: 'Name of a deployment.' } as const;

export const verbs: readonly VerbDeclaration[] = [
  {
    name: 'up',
    summary: 'Start the platform here and serve what the specification names.',
    examples: ['flyball up', 'flyball up --demo', 'flyball up production.yaml --detach'],
    positionals: [spec],
    options: {
      demo: { type: 'boolean', help: 'Serve the demo models; busy ports are replaced by the next free ones.' },
      detach: { type: 'boolean', short: 'd', help: 'Return once it serves; its log goes to DATA-DIR/flyball.log.' },
      ...dataDir,
      insecure: { type: 'boolean', help: 'Allow listeners outside loopback without authentication.' },
      'log-level': {
        type: 'string',
        value: 'LEVEL',
        choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
        help: 'What goes into DATA-DIR/flyball.log; default info. With -v it is shown here too.',
      },
      verbose,
      detached: { type: 'boolean', hidden: true, help: 'Set by --detach on the process that it starts.' },
    },
    exits: ['done', 'failed', 'usage', 'interrupted'],
    ownInterrupts: true,
    load: () => import('./verbs/up.ts'),
  },
  {
    name: 'down',
    summary: 'Stop the platform, or one deployment: drain, then end. Nothing running is no error.',
    examples: ['flyball down', 'flyball down digits', 'flyball down --timeout 1m'],
    positionals: [
      {
        name: 'DEPLOYMENT',
        optional: true,
        completes: 'deployments',
        help: 'Stop and remove this deployment; its model stays. Without it: the whole platform.',
      },
    ],
    options: {
      timeout: { type: 'string', value: 'TIME', help: 'Stop waiting after this; default 2m.' },
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'timedOut', 'interrupted'],
    load: () => import('./verbs/down.ts'),
  },
  {
    name: 'init',
    summary: 'Write a commented flyball.yaml to start from.',
    examples: ['flyball init', 'flyball init models/digits.onnx'],
    positionals: [
      { name: 'MODEL', optional: true, completes: 'files', help: 'An .onnx file or a model folder to serve.' },
    ],
    options: {
      force: { type: 'boolean', help: 'Overwrite a flyball.yaml that is there.' },
      file: { type: 'string', value: 'FILE', help: 'Where to write; default flyball.yaml.' },
      name: { type: 'string', value: 'NAME', help: "Name of the model and its deployment; default the file's." },
      verbose,
    },
    exits: ['done', 'failed', 'usage'],
    load: () => import('./verbs/init.ts'),
  },
  {
    name: 'plan',
    summary: 'Show what deploying the specification would change, with a fingerprint.',
    examples: ['flyball plan', 'flyball plan production.yaml -o json'],
    positionals: [spec],
    options: { ...output, ...server, verbose },
    exits: ['done', 'failed', 'usage', 'changes', 'unreachable'],
    load: () => import('./verbs/plan.ts'),
  },
  {
    name: 'deploy',
    summary: 'Serve a model file or a specification; waits until it answers.',
    examples: [
      'flyball deploy digits.onnx --slo p99=50ms --max 8',
      'flyball deploy digits.onnx --min 0 --idle 10m',
      'flyball deploy flyball.yaml --plan 4be1c0',
      'flyball deploy digits --replicas 3',
    ],
    positionals: [
      {
        name: 'WHAT',
        optional: true,
        completes: 'files',
        help: 'An .onnx file, a model folder, or a specification; default flyball.yaml. With --replicas: a deployment.',
      },
    ],
    options: {
      name: { type: 'string', value: 'NAME', help: "Name of the model and deployment; default the file's." },
      slo: { type: 'string', value: 'p99=TIME', help: 'Latency promise, for instance p99=50ms.' },
      min: { type: 'string', value: 'N', help: 'Replicas at least; default 1. With 0 it sleeps until it is asked.' },
      max: { type: 'string', value: 'N', help: 'Replicas at most; default 1 or --min.' },
      idle: { type: 'string', value: 'TIME', help: 'With --min 0: sleeps after this without a request; default 5m.' },
      replicas: { type: 'string', value: 'N', help: 'Scale the deployment of this name; the same as flyball scale.' },
      plan: { type: 'string', value: 'FINGERPRINT', help: 'Refuse when what runs is no longer what was planned on.' },
      ...wait,
      ...output,
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'unreachable', 'timedOut', 'rolledBack', 'refused', 'interrupted'],
    load: () => import('./verbs/deploy.ts'),
  },
  {
    name: 'scale',
    summary: 'Set how many replicas a deployment has, within its bounds; waits until it is so.',
    examples: ['flyball scale digits 3', 'flyball scale digits 0'],
    positionals: [deployment, { name: 'REPLICAS', help: 'How many; 0 puts one of `min: 0` to sleep.' }],
    options: { ...wait, ...output, ...server, verbose },
    exits: ['done', 'failed', 'usage', 'unreachable', 'timedOut', 'interrupted'],
    load: () => import('./verbs/scale.ts'),
  },
  {
    name: 'status',
    summary: 'Show what runs, how it does, and what needs attention.',
    examples: ['flyball status', 'flyball status digits -w'],
    positionals: [{ ...deployment, optional: true }],
    options: {
      watch: { type: 'boolean', short: 'w', help: 'Keep showing it; piped, one JSON object a change.' },
      ...output,
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'unreachable', 'interrupted'],
    load: () => import('./verbs/status.ts'),
  },
  {
    name: 'journal',
    summary: 'Show what was decided, done and asked for, and why; follow, export and verify it.',
    examples: ['flyball journal --deployment digits', 'flyball journal -f', 'flyball journal verify'],
    positionals: [
      {
        name: 'ACTION',
        optional: true,
        completes: ['list', 'show', 'export', 'verify'],
        help: 'list (default) · show ID · export: JSON lines, oldest first · verify [FILE]: the store, or an export',
      },
      { name: 'ARGUMENT', optional: true, completes: 'files', help: 'show: the number; verify: an exported file.' },
    ],
    options: {
      deployment: { type: 'string', value: 'NAME', help: 'Only about this deployment (or model, key …).' },
      kind: {
        type: 'string',
        value: 'KIND',
        choices: ['change', 'upkeep', 'replica', 'decision', 'mode', 'halt', 'approval', 'journal'],
        help: 'change (people asked), upkeep (control by itself), replica, decision, mode, halt, approval, journal.',
      },
      since: { type: 'string', value: 'TIME', help: 'From then on: 14:05, 2026-11-23T14:05:07Z, or 10m (ago).' },
      limit: { type: 'string', value: 'N', help: 'list: the newest so many; default 50.' },
      follow: { type: 'boolean', short: 'f', help: 'Show what comes, as it comes; with --since, from then on.' },
      ...output,
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'unreachable', 'interrupted'],
    load: () => import('./verbs/journal.ts'),
  },
  {
    name: 'models',
    summary: 'List, show, add, alias, sign and remove models and their versions.',
    examples: ['flyball models', 'flyball models add digits digits.onnx', 'flyball models alias digits champion 7'],
    positionals: [
      {
        name: 'ACTION',
        optional: true,
        completes: ['list', 'show', 'add', 'alias', 'remove', 'sign', 'keygen'],
        help: 'list (default) · show NAME · add NAME FILE (or add FILE.mar) · alias NAME ALIAS VERSION · remove NAME [VERSION|@ALIAS] · sign FILE · sign NAME VERSION · keygen FILE',
      },
      { name: 'NAME', optional: true, completes: 'models', help: 'Name of the model.' },
      { name: 'ARGUMENT', optional: true, completes: 'files', help: 'A file or folder, an alias, or a version.' },
      { name: 'VERSION', optional: true, help: 'A version number.' },
    ],
    options: {
      version: { type: 'string', value: 'N', help: 'add: the number to give; default the next one.' },
      note: { type: 'string', value: 'TEXT', help: 'add: kept with the version.' },
      'sign-key': { type: 'string', value: 'FILE', help: 'add, sign: private Ed25519 key in PEM (`models keygen`).' },
      name: { type: 'string', value: 'NAME', help: 'sign: the name that the model is to have; default by its path.' },
      yes: { type: 'boolean', short: 'y', help: 'remove: do not ask.' },
      ...output,
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'unreachable'],
    load: () => import('./verbs/models.ts'),
  },
  {
    name: 'infer',
    summary: 'Send a file to a deployment and print the answer readably.',
    examples: ['flyball infer digits seven.png', 'echo \'{"inputs":[]}\' | flyball infer digits - --type json'],
    positionals: [deployment, { name: 'FILE', completes: 'files', help: 'An image or a .json file; - reads stdin.' }],
    options: {
      type: {
        type: 'string',
        value: 'TYPE',
        choices: ['png', 'jpeg', 'webp', 'json'],
        help: 'What the input is; default by its name or first bytes.',
      },
      version: { type: 'string', value: 'VERSION', help: 'A version other than the one that is served.' },
      timeout: { type: 'string', value: 'TIME', help: 'Deadline of the request; default 30s.' },
      'http-url': { type: 'string', value: 'URL', help: 'Inference address; default: as the control API tells.' },
      ...output,
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'unreachable', 'timedOut', 'interrupted'],
    load: () => import('./verbs/infer.ts'),
  },
  {
    name: 'load',
    summary: 'Put load on a deployment and measure it.',
    examples: ['flyball load digits --rate 200/s --duration 30s', 'flyball load digits --callers 32 -o json'],
    positionals: [deployment],
    options: {
      rate: { type: 'string', value: 'N/s', help: 'Open loop: requests a second, sent whether or not answers come.' },
      callers: { type: 'string', value: 'N', help: 'Closed loop: callers that each wait for their answer.' },
      shape: {
        type: 'string',
        value: 'SHAPE',
        choices: ['constant', 'ramp', 'step', 'flash', 'sine', 'trace'],
        help: 'How the rate moves over time; default constant.',
      },
      peak: { type: 'string', value: 'N/s', help: 'Highest rate of a shape; default three times --rate.' },
      period: { type: 'string', value: 'TIME', help: 'sine: length of one wave; default the duration.' },
      trace: { type: 'string', value: 'FILE', help: 'trace: lines `second,requests-per-second`.' },
      arrivals: {
        type: 'string',
        value: 'KIND',
        choices: ['poisson', 'constant'],
        help: 'Open loop: gaps between requests; default poisson.',
      },
      seed: { type: 'string', value: 'N', help: 'Of the arrivals and the data; default 1.' },
      duration: { type: 'string', value: 'TIME', help: 'Default 10s, at most 24h.' },
      file: { type: 'string', value: 'FILE', help: 'Send this image or JSON body in place of made-up tensors.' },
      json: { type: 'boolean', help: 'The same as -o json.' },
      encoding: {
        type: 'string',
        value: 'KIND',
        choices: ['binary', 'json'],
        help: 'Of made-up tensors over REST; default binary.',
      },
      batch: { type: 'string', value: 'N', help: 'Rows in each request; default 1.' },
      protocol: { type: 'string', value: 'KIND', choices: ['rest', 'grpc'], help: 'Default rest.' },
      connections: { type: 'string', value: 'N', help: 'Open connections at most; default --callers, else 256.' },
      'http-url': { type: 'string', value: 'URL', help: 'Inference address; default: as the control API tells.' },
      'allow-remote': { type: 'boolean', help: 'Allow targets that are not on this machine.' },
      output: output['output'] as OptionDeclaration,
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'unreachable', 'interrupted'],
    ownInterrupts: true,
    load: () => import('./verbs/load.ts'),
  },
  {
    name: 'keys',
    summary: 'Make, list and revoke API keys.',
    examples: [
      'flyball keys create ward-7 --scope infer --deployment digits --rate 50/s',
      'flyball keys',
      'flyball keys revoke 4be1c0d2a9f3',
    ],
    positionals: [
      {
        name: 'ACTION',
        optional: true,
        completes: ['list', 'create', 'revoke'],
        help: 'list (default) · create NAME · revoke ID',
      },
      { name: 'NAME', optional: true, help: 'create: the person or service that gets it; revoke: the id.' },
    ],
    options: {
      scope: {
        type: 'string',
        value: 'SCOPES',
        help: 'create: of infer, read, operate, admin, with commas; default infer. admin has all, operate has read.',
      },
      deployment: {
        type: 'string',
        value: 'NAME',
        multiple: true,
        help: 'create: only this deployment; may be repeated. Default: the whole platform.',
      },
      expires: { type: 'string', value: 'TIME', help: 'create: good for so long, for instance 12h or 90d.' },
      rate: { type: 'string', value: 'N/s', help: 'create: requests a second at most; over it 429 with Retry-After.' },
      burst: {
        type: 'string',
        value: 'N',
        help: 'create: requests at once after a pause; default one second of --rate.',
      },
      offline: {
        type: 'boolean',
        help: 'create: in the data directory of a platform that is stopped, for who has lost the last admin key.',
      },
      ...output,
      ...server,
      verbose,
    },
    exits: ['done', 'failed', 'usage', 'unreachable'],
    load: () => import('./verbs/keys.ts'),
  },
  {
    name: 'backup',
    summary: 'Copy the data directory as one consistent state, also while the platform runs.',
    examples: ['flyball backup /backups/monday', 'flyball backup monday --data-dir /var/lib/flyball'],
    positionals: [{ name: 'DIR', completes: 'files', help: 'Where to; a folder that is empty or not there yet.' }],
    options: { ...dataDir, ...output, verbose },
    exits: ['done', 'failed', 'usage'],
    load: () => import('./verbs/backup.ts'),
  },
  {
    name: 'restore',
    summary: 'Bring a backup back, into a data directory that is empty or not there yet.',
    examples: [
      'flyball restore /backups/monday --data-dir ./restored',
      'flyball restore monday --data-dir /var/lib/flyball',
    ],
    positionals: [{ name: 'DIR', completes: 'files', help: 'A folder that `flyball backup` has written.' }],
    options: {
      'data-dir': { type: 'string', value: 'NEW', help: 'Data directory to make; it is overwritten in no case.' },
      ...output,
      verbose,
    },
    exits: ['done', 'failed', 'usage'],
    load: () => import('./verbs/restore.ts'),
  },
  {
    name: 'doctor',
    summary: 'Check this machine: what was found, what is wanted, how to fix it.',
    examples: ['flyball doctor', 'flyball doctor -o json'],
    positionals: [],
    options: { ...output, ...server, verbose },
    exits: ['done', 'failed', 'usage'],
    load: () => import('./verbs/doctor.ts'),
  },
  {
    name: 'explain',
    summary: 'Say what a configuration key means, from the schema itself.',
    examples: ['flyball explain deployments.NAME.replicas.max', 'flyball explain queue'],
    positionals: [{ name: 'KEY', optional: true, help: 'A key with dots; none lists the top.' }],
    options: { ...output, verbose },
    exits: ['done', 'usage'],
    load: () => import('./verbs/explain.ts'),
  },
  {
    name: 'runner',
    summary: 'Serve one model file in this process, without queue, registry or control.',
    examples: ['flyball runner digits.onnx --port 9000', "flyball runner --launch '{…}'"],
    positionals: [{ name: 'MODEL', optional: true, completes: 'files', help: 'An .onnx file.' }],
    options: {
      launch: { type: 'string', value: 'JSON', help: 'The whole order, as control writes it.' },
      port: { type: 'string', value: 'N', help: 'Port of the inference protocol; default 9000.' },
      host: { type: 'string', value: 'HOST', help: 'Address to listen on; default 127.0.0.1.' },
      threads: { type: 'string', value: 'N', help: 'Threads of the runtime; default 1.' },
      verbose,
    },
    exits: ['done', 'failed', 'usage'],
    hidden: true,
    ownInterrupts: true,
    load: () => import('./verbs/runner.ts'),
  },
  {
    name: 'completion',
    summary: 'Print a completion script for bash, zsh or fish.',
    examples: [
      'source <(flyball completion bash)',
      'flyball completion fish > ~/.config/fish/completions/flyball.fish',
    ],
    positionals: [{ name: 'SHELL', completes: ['bash', 'zsh', 'fish'], help: 'bash, zsh or fish.' }],
    options: {},
    exits: ['done', 'usage'],
    load: () => import('./verbs/completion.ts'),
  },
  {
    name: '__names',
    summary: 'Names for completion; silent when the server is not there.',
    examples: ['flyball __names deployments', 'flyball __names models'],
    positionals: [{ name: 'KIND', completes: ['deployments', 'models'], help: 'deployments or models.' }],
    options: { ...server },
    exits: ['done'],
    hidden: true,
    load: () => import('./verbs/names.ts'),
  },
];
