// Owns the scripts that make shells ask `podspan __complete` for candidates.
// Promises that a failure of any kind shows nothing and leaves the line as it was. Does not know commands or options.

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof SHELLS)[number]

/** Bash splits words at `=` and `:` too; they are put together again, and candidates are cut by what bash regards as done. */
const BASH = String.raw`# bash completion for podspan
_podspan() {
  local words=() word out directive current done=''
  local index
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if [[ \${#words[@]} -gt 0 && ( "$word" == [=:] || "\${COMP_WORDS[index-1]}" == [=:] ) && "\${COMP_LINE}" == *"\${words[-1]}$word"* ]]; then
      words[-1]+="$word"
    else
      words+=("$word")
    fi
  done
  current="\${words[-1]}"
  [[ "$current" == *[=:]* ]] && done="\${current%"\${current##*[=:]}"}"
  out="$("\${COMP_WORDS[0]}" __complete "\${words[@]}" 2>/dev/null)" || return
  directive="\${out##*:}"
  out="\${out%:*}"
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    [[ -n "$word" ]] && COMPREPLY+=("\${word#"$done"}")
  done <<< "$out"
  if ((directive & 2)); then
    compopt -o nospace
  fi
  if ((directive & 4)); then
    compopt +o default
  elif [[ \${#COMPREPLY[@]} -eq 0 ]]; then
    compopt -o filenames
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "\${current#"$done"}")
  fi
}
complete -o default -F _podspan podspan
`

const ZSH = String.raw`#compdef podspan
# zsh completion for podspan
_podspan() {
  local out line directive
  local -a plain said
  out="$(\${words[1]} __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)" || return 1
  for line in "\${(@f)out}"; do
    if [[ "$line" == :* ]]; then
      directive="\${line#:}"
    elif [[ -n "$line" ]]; then
      plain+=("\${line%%$'\t'*}")
      said+=("\${line/$'\t'/  -- }")
    fi
  done
  local -a space
  ((directive & 2)) && space=(-S '')
  if ((\${#plain})); then
    compadd "\${space[@]}" -l -d said -a plain
  elif ! ((directive & 4)); then
    _files
  fi
}
if [[ "\${funcstack[1]}" == _podspan ]]; then
  _podspan "$@"
else
  compdef _podspan podspan
fi
`

const FISH = String.raw`# fish completion for podspan
function __podspan_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l out (command $words[1] __complete $words[2..-1] 2>/dev/null)
    or return
    set -l directive (string replace -r '^:' '' -- $out[-1])
    set -e out[-1]
    if test (count $out) -eq 0; and test "$directive" = 0
        __fish_complete_path (commandline -ct)
        return
    end
    printf '%s\n' $out
end
complete -c podspan -f -a '(__podspan_complete)'
`

const POWERSHELL = String.raw`# PowerShell completion for podspan
Register-ArgumentCompleter -Native -CommandName podspan -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or $wordToComplete -eq '' } | ForEach-Object { "$_" })
    $out = @(& podspan __complete @words $wordToComplete 2>$null)
    foreach ($line in $out) {
        if ($line -eq '' -or $line.StartsWith(':')) { continue }
        $value, $says = $line -split [char]9, 2
        if (-not $says) { $says = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $says)
    }
}
`

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL }

// In the texts above a dollar before a brace is escaped for TypeScript alone.
export const scriptOf = (shell: Shell): string => SCRIPTS[shell].replaceAll('\\${', '${')
