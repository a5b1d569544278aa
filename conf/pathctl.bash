# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# bash completion for pathctl(1)

# Names of the LUNs that the command line so far would ask about.
_pathctl_luns()
{
	pathctl "${_pathctl_where[@]}" --timeout 1 --no-header list 2>/dev/null |
		awk '{ print $1 }'
}

_pathctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i word command='' arguments=0
	local -a _pathctl_where=()
	COMPREPLY=()

	case $prev in
	-s | --socket | -r | --runtime-dir)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-t | --timeout)
		return
		;;
	esac

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket | -r | --runtime-dir)
			_pathctl_where+=("$word" "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		-t | --timeout)
			((i++))
			;;
		-*) ;;
		*)
			if [ -z "$command" ]; then
				command=$word
			else
				((arguments++))
			fi
			;;
		esac
	done

	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "--socket --runtime-dir --timeout --json
			--no-header --help --version" -- "$cur")
	elif [ -z "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -W "list show" -- "$cur")
	elif [ "$command" = show ] && [ "$arguments" -eq 0 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_pathctl_luns)" -- "$cur")
	fi
}

complete -F _pathctl pathctl
