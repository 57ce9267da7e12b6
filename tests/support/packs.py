"""A small knowledge folder without faults, and how tests edit it. No assertions here."""

from pathlib import Path

ENTRY = """\
- id: {id}
  title: {title}
  short: {short}
  facets: {{how: 1. 先登记。}}
  office: career
  sources: [{{name: 教学厅, date: 2023, grade: A, supports: [依据]}}]
  owner: 就业
  last_verified: 2026-11-20
  valid_until: 2027-08-31
  variants: [一{word}, 二{word}, 三{word}, 四{word}, 五{word}, 六{word}, 七{word}, 八{word}, 九{word}, 十{word}, 甲{word}, 乙{word}]
"""


def entry(entry_id: str, title: str, *, short: str, word: str) -> str:
    """One entry as YAML."""
    return ENTRY.format(id=entry_id, title=title, short=short, word=word)


def write_pack(folder: Path) -> Path:
    """Two packs, of archives and of residence, one office and a dictionary; gives the folder."""
    for name in ("national", "school"):
        (folder / name).mkdir(parents=True)
    archive = entry("archive.transfer", "档案怎么转", short="学校统一寄出。", word="档案")
    residence = entry("hukou.move", "户口怎么迁", short="去派出所办。", word="户口")
    (folder / "national/archive.yaml").write_text(archive, encoding="utf-8")
    (folder / "national/hukou.yaml").write_text(residence, encoding="utf-8")
    (folder / "school/offices.yaml").write_text("career: {name: 就业部门}\n", encoding="utf-8")
    (folder / "dictionary.txt").write_text("档案 户口\n~ 转 迁\n", encoding="utf-8")
    return folder


def edit(folder: Path, old: str, new: str, *, name: str = "national/archive.yaml") -> None:
    """Replaces a text in one of the files."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    if old not in text:
        message = f"{old} is not in {name}"
        raise ValueError(message)
    path.write_text(text.replace(old, new), encoding="utf-8")
