# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What all that builds kernels shares. To be sourced after setup/lib.sh.

# fragments MODEL KERNEL [full|hz100|hz250|kunit|kasan|metal]: the fragments of an image, in order, one a line.
fragments() {
	case ${3:-} in
	kasan) fragments "$1" "$2" kunit && echo kernel/kasan.config ;;
	full)
		fragments "$1" "$2" && echo kernel/full.config
		[ ! -e "kernel/full-$1.config" ] || echo "kernel/full-$1.config"
		;;
	hz*) fragments "$1" "$2" && echo "kernel/$3.config" ;;
	metal) printf '%s\n' kernel/metal.config "kernel/$1.config" "$(fragment_of "$2")" ;;
	*) printf '%s\n' kernel/base.config "kernel/$1.config" "$(fragment_of "$2")" \
		${3:+"kernel/$3.config" kernel/debug.config common/clients/*/kunit.config kernel/guest.config} ;;
	esac
}

# fragment_of KERNEL: a variant's own, or that of a kernel without the facade.
fragment_of() {
	if [ -d "variants/$1" ]; then
		echo "variants/$1/kernel.config"
	else
		echo "kernel/$1.config"
	fi
}

# tree_of KERNEL: the tree that a kernel is built in.
tree_of() {
	case $1 in
	unpatched | rebuilt | osnoise) echo unpatched ;;
	*) echo patched ;;
	esac
}

# kbuild_settings: set kbuild, the make command of every build, and an environment
# that holds nothing of where, when and by whom it is called.
kbuild_settings() {
	# All that names a time, a place or a person is pinned.
	export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 +0000' KBUILD_BUILD_VERSION=1
	export KBUILD_BUILD_USER=pcpu-drain KBUILD_BUILD_HOST=pcpu-drain
	export LC_ALL=C TZ=UTC
	# Unless the next are unset, a user's own habits would get in.
	unset CFLAGS CPPFLAGS LDFLAGS KCFLAGS KCPPFLAGS KAFLAGS ARCH CROSS_COMPILE LLVM O KBUILD_OUTPUT MAKEFLAGS MFLAGS MAKELEVEL
	export CCACHE_DIR=$CACHE/ccache CCACHE_COMPILERCHECK=content CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G
	# Trees are made of links: their inode times say nothing about their contents.
	export CCACHE_SLOPPINESS=include_file_ctime,include_file_mtime
	# Not its depend mode: a compressed kernel is assembled by .incbin, which that does not
	# see, so that an image may hold the kernel of another build.
	unset CCACHE_DEPEND
	# No code here is Rust, and what Kconfig hears of a rustc would stand in the configuration.
	kbuild=(make -j"$(nproc)" "CC=ccache gcc" "HOSTCC=ccache gcc" RUSTC=false)
}

# plain_files SOURCE TO PATCH...: copy the files of a plain source that patches change to the
# folder TO, an absolute path
plain_files() {
	local source=$1 to=$2 file

	shift 2
	sed -n 's#^--- a/\([^\t]*\).*#\1#p' "$@" | sort -u | while read -r file; do
		# A file that an earlier patch makes is not there.
		[ ! -e "$source/$file" ] || (cd "$source" && cp --parents --no-preserve=mode,links "$file" "$to")
	done
}

# ask_kconfig DIR FRAGMENT...: what Kconfig makes of the fragments in a tree, over
# allnoconfig, or over $defconfig, a file of the tree. Later ones win. It goes to
# .pcd-config in DIR, or in $kbuild_output, if output has a folder of its own.
ask_kconfig() {
	local dir=$1 over=${defconfig:+alldefconfig} to=${kbuild_output:-$1}

	shift
	# Its 60 questions to the compiler gain nothing from ccache.
	(mkdir -p "$to" && to=$(realpath "$to") && cd "$dir" && KCONFIG_CONFIG="$to/.pcd-fragments" \
		scripts/kconfig/merge_config.sh -m -Q -O "$to" ${defconfig:+"$defconfig"} "${@/#/$OLDPWD/}" >/dev/null &&
		KCONFIG_ALLCONFIG="$to/.pcd-fragments" KCONFIG_CONFIG=.pcd-config "${kbuild[@]/#CC=ccache /CC=}" \
			${kbuild_output:+O="$to"} -s "${over:-allnoconfig}")
}

# kconfig_key DIR FRAGMENT...: a hash of all that this depends on. Of the tree's files
# only places of ours can differ from the source's.
kconfig_key() {
	local dir=$1 compiler llvm

	shift
	compiler=$(printf '%s\n' "${kbuild[@]}" | sed -nE 's/^CC=(ccache )?//p' | tail -n1)
	{
		cat "$dir/.pcd-source" "$@"
		echo "${kbuild[*]} ${defconfig:-}"
		sed -nE 's/^place (.*Kconfig|scripts\/)/\1/p' "$dir/.pcd-state" | (cd "$dir" && xargs cat) || :
		"$compiler" --version
		"$("$compiler" -print-prog-name=ld)" --version
		llvm=$(printf '%s\n' "${kbuild[@]}" | sed -n 's/^LLVM=//p')
		[ ! "$llvm" ] || "ld.lld$llvm" --version
		pahole --version || :
	} 2>/dev/null | sha256sum | cut -c1-16
}

# kconfig DIR FRAGMENT...: the same, or what it came to before: Kconfig starts 500
# processes, which is what many builds here mostly wait for.
kconfig() {
	local to=${kbuild_output:-$1} stored

	stored=$CACHE/configs/$(kconfig_key "$@")
	if [ ! -e "$stored" ]; then
		ask_kconfig "$@" || return
		mkdir -p "${stored%/*}"
		cp "$to/.pcd-config" "$stored.$$" && mv "$stored.$$" "$stored" || return
	fi
	keep "$stored"
	mkdir -p "$to"
	cp "$stored" "$to/.pcd-config"
}

# configure WHAT DIR FRAGMENT...: configure a tree, or $kbuild_output; WHAT names it in an error.
# make sees a new .config only once every line of the fragments is proved in it.
configure() {
	local what=$1 dir=$2 to=${kbuild_output:-$2}

	shift 2
	kconfig "$dir" "$@" || die "$what: Kconfig failed in $dir"
	kernel/configcheck.sh "$what" "$to/.pcd-config" "$@" ||
		die "$what: its fragments ask for what Kconfig does not grant (above)"
	# With another time it would be read anew, which takes 3 s.
	cmp -s "$to/.pcd-config" "$to/.config" || mv "$to/.pcd-config" "$to/.config"
}

# build_tree WHAT TREE NAME [PATCH...]: assemble build/linux/TREE-NAME, with further
# patches if given, configure it by the array fragments and build its bzImage. One at
# a time in a tree, until the shell that asked has ended.
build_tree() {
	local what=$1 tree=$2 name=$3 dir=build/linux/$2-$3

	shift 3
	lock "build/linux/.lock-build-$tree-$name"
	kernel/assemble.sh "$tree" "$name" "$@" 8>&- || exit
	# shellcheck disable=SC2154 # of the caller
	configure "$what" "$dir" "${fragments[@]}"
	# Half built, it is no start for another tree.
	rm -f "$dir/.pcd-built"
	"${kbuild[@]}" -C "$dir" bzImage || die "$what: make failed in $dir; mend the first error above"
}

# store DIR FILE NAME...: keep files in the cache as DIR/NAME, all or none.
store() {
	local dir=$1 new

	shift
	mkdir -p "${dir%/*}"
	new=$(mktemp -d "${dir%/*}/.new-${dir##*/}.XXXXXX")
	# shellcheck disable=SC2064 # the value that it has now
	trap "rm -rf '$new'" EXIT
	while [ $# -gt 0 ]; do
		cp "$1" "$new/$2"
		shift 2
	done
	chmod 755 "$new"
	mv -T "$new" "$dir" 2>/dev/null || [ -d "$dir" ]
}

# keep DIR: it is still asked for; what nobody has asked for in a month goes.
keep() {
	touch "$1"
	find "${1%/*}" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +
}
