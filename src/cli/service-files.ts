import { exitCodes } from "../core/errors.js";

/** What a service manager has to start, and where. All paths are absolute. */
export interface Service {
  /** The recipe's name. */
  readonly name: string;
  readonly folder: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The run waits on purpose: it is neither a failure nor to be started again at once. */
const waiting = [exitCodes.paused, exitCodes.interrupted];
/** What another start would not mend. */
const hopeless = [exitCodes.usage, exitCodes.setup, exitCodes.model, exitCodes.state];
/** Seconds between a failure and the next start. */
const restartAfter = 60;
/** Seconds that a run gets to end in order: a training writes its checkpoint. */
const stopWithin = 300;

/** A user unit for systemd. */
export function systemdUnit({ name, folder, command, environment }: Service): string {
  const variables = Object.entries(environment).map(
    ([key, value]) => `Environment=${systemdWord(`${key}=${value}`, false)}`,
  );
  return `[Unit]
Description=redistill ${name}
StartLimitIntervalSec=1h
StartLimitBurst=5

[Service]
Type=exec
WorkingDirectory=${folder.replaceAll("%", "%%")}
ExecStart=${command.map((word) => systemdWord(word, true)).join(" ")}
${variables.join("\n")}
Restart=on-failure
RestartSec=${restartAfter}
SuccessExitStatus=${waiting.join(" ")}
RestartPreventExitStatus=${hopeless.join(" ")}
KillMode=mixed
TimeoutStopSec=${stopWithin}

[Install]
WantedBy=default.target
`;
}

/** A word in quotes; `$` stands for variables in commands only. */
function systemdWord(word: string, inCommand: boolean): string {
  const escaped = word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%");
  return `"${inCommand ? escaped.replaceAll("$", "$$$$") : escaped}"`;
}

/**
 * launchd knows no exit codes but 0 and others: this shell gives 0 for those that are not to be
 * started again, and passes the signal to stop on.
 */
const launchdShell = [
  '"$@" & child=$!',
  'trap "kill -TERM $child" TERM INT HUP',
  "wait $child; code=$?",
  "while kill -0 $child 2>/dev/null; do wait $child; code=$?; done",
  `case $code in ${[...waiting, ...hopeless].join("|")}) exit 0;; esac`,
  "exit $code",
].join("\n");

/** A user agent for launchd. */
export function launchdAgent({ name, folder, command, environment }: Service): string {
  const words = ["/bin/sh", "-c", launchdShell, "redistill", ...command];
  const log = `${folder}/memory/logs/service-${name}.log`;
  const variables = Object.entries(environment).flatMap(([key, value]) => [
    `    <key>${xml(key)}</key>`,
    `    <string>${xml(value)}</string>`,
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(`redistill.${name}`)}</string>
  <key>ProgramArguments</key>
  <array>
${words.map((word) => `    <string>${xml(word)}</string>`).join("\n")}
  </array>
  <key>WorkingDirectory</key>
  <string>${xml(folder)}</string>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join("\n")}
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>${restartAfter}</integer>
  <key>ExitTimeOut</key>
  <integer>${stopWithin}</integer>
  <key>StandardOutPath</key>
  <string>${xml(log)}</string>
  <key>StandardErrorPath</key>
  <string>${xml(log)}</string>
</dict>
</plist>
`;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
