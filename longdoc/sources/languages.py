"""Programming languages by file name. A table, used to name a single source file and to outline one."""

from __future__ import annotations

_BY_LANGUAGE = {
    "python": ".py .pyi .pyw .pyx",
    "javascript": ".js .jsx .mjs .cjs .ts .tsx .mts .cts .vue .svelte .astro",
    "c": ".c .h .cc .cpp .cxx .hh .hpp .hxx .m .mm .cu .cuh .ino",
    "java": ".java .kt .kts .scala .groovy .gradle .cs .dart",
    "go": ".go",
    "rust": ".rs",
    "swift": ".swift",
    "ruby": ".rb .rake .gemspec .cr .ex .exs",
    "php": ".php",
    "shell": ".sh .bash .zsh .fish .ps1 .bat .cmd",
    "lua": ".lua",
    "perl": ".pl .pm",
    "r": ".r .jl",
    "haskell": ".hs .elm .ml .mli .fs .fsx .clj .cljs .lisp .el .scm .rkt .erl",
    "sql": ".sql",
    "proto": ".proto .thrift .graphql .gql",
    "style": ".css .scss .sass .less .styl",
    "config": ".toml .yaml .yml .ini .cfg .conf .properties .tf .hcl .nix .cmake .mk .bzl .bazel .gn",
    "assembly": ".s .asm",
    "hardware": ".v .sv .vhd .vhdl",
    "pascal": ".pas .pp .f .f90 .f95 .for .adb .ads .cob .cbl .vb .vbs .nim .zig .d .sol .move",
    "xml": ".xml .xsd .xsl .xslt .plist .wsdl .resx .csproj .vcxproj",
}
_BY_EXTENSION = {extension: language for language, names in _BY_LANGUAGE.items() for extension in names.split()}
_BY_NAME = {
    "makefile": "make",
    "gnumakefile": "make",
    "dockerfile": "docker",
    "containerfile": "docker",
    "jenkinsfile": "java",
    "vagrantfile": "ruby",
    "rakefile": "ruby",
    "gemfile": "ruby",
    "justfile": "make",
    "cmakelists.txt": "config",
    "go.mod": "go",
    "build": "config",
    "workspace": "config",
}


def language_of(path: str) -> str | None:
    """Return the language of a file by its name, or None if the name tells of none."""
    name = path.rsplit("/", 1)[-1].lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    return _BY_EXTENSION.get(extension_of(name))


def extension_of(path: str) -> str:
    """Return the last extension with its dot, in lower case, or ""."""
    name = path.rsplit("/", 1)[-1].lower()
    stem, dot, extension = name.rpartition(".")
    return dot + extension if stem and dot else ""
