# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# bash completion for pathctl(1)

# What an export says now; nothing where it does not answer soon.
_pathctl_ask()
{
	pathctl "${_pathctl_where[@]}" --timeout 1 --no-header "$@" 2>/dev/null
}

# Names of the LUNs that the command line so far would ask about.
_pathctl_luns() { _pathctl_ask list | awk '{ print $1 }'; }

# Of the LUN $1: numbers of its paths, policies there are, options it has.
_pathctl_paths() { _pathctl_ask show "$1" | awk '/^  [0-9]+[*]? / { print $1 + 0 }'; }
_pathctl_policies() { _pathctl_ask policy "$1" | awk '/^  / { sub(/[*]/, "", $1); print $1 }'; }
_pathctl_keys() { _pathctl_ask timers "$1" | awk '{ print $1 }'; }

# Words for argument $2 (from 0) of the verb $1; $3 and $4 are the first two.
_pathctl_arguments()
{
	case $1:$2 in
	show:0 | explain:0 | probe:0 | stats:0 | policy:0 | path:0 | timers:0 | settings:0)
		_pathctl_luns
		;;
	explain:1 | probe:1 | path:1) _pathctl_paths "$3" ;;
	policy:1)
		_pathctl_policies "$3"
		echo default
		;;
	timers:1) _pathctl_keys "$3" ;;
	timers:2)
		case $4 in
		failback) echo immediate manual ;;
		path_verify) echo yes no ;;
		esac
		;;
	esac
}

_pathctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i word command=''
	local -a arguments=() _pathctl_where=()
	COMPREPLY=()

	case $prev in
	-s | --socket | -r | --runtime-dir)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-t | --timeout | --weight)
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
		-t | --timeout | --weight)
			((i++))
			;;
		-*) ;;
		*)
			if [ -z "$command" ]; then
				command=$word
			else
				arguments+=("$word")
			fi
			;;
		esac
	done

	if [[ $cur == -* ]]; then
		word="--socket --runtime-dir --timeout --json --no-header --help --version"
		case $command in
		path)
			word+=" --activate --fail --disable --standby --enable --preferred
				--not-preferred --weight"
			;;
		stats) word+=" --reset" ;;
		esac
	elif [ -z "$command" ]; then
		word="list show explain probe stats policy path timers settings config-check"
	elif [[ $command:${#arguments[@]} =~ ^(settings:1|config-check:0)$ ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	else
		word=$(_pathctl_arguments "$command" "${#arguments[@]}" "${arguments[0]:-}" \
			"${arguments[1]:-}")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}

complete -F _pathctl pathctl
