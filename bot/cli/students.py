"""`flask students`: the school's list of students."""

from pathlib import Path

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.students.importing import read_students, write_students
from bot.students.register import Changes

students = AppGroup("students", help="学生名单。")
FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
YES = click.option("--yes", is_flag=True, help="不再询问。")


@students.command("import")
@FILE
@click.option("--replace", is_flag=True, help="表里没有的学生从名单里删掉（会先问）。")
@YES
@shown_errors
def import_students(*, file: Path, replace: bool, yes: bool) -> None:
    """导入名单 FILE（CSV 或 XLSX）。

    列：学号,姓名,学院[,班级,学历层次,手机号,政治面貌,户口在校,贷款,宿舍,毕业去向,延长学制,标签]。
    有一行不对就一行都不导入，并逐行列出。表里没有的列保持原样，空着的格子会清空。已绑定的微信不受影响。
    """
    register = current_application().register
    listing = read_students(file)
    changes = register.compare(listing)
    if listing.ignored:
        click.echo(f"不认识的列，没有导入：{'、'.join(listing.ignored)}")
    removes = replace and bool(changes.missing)
    if removes and not yes:
        click.confirm(_removal(changes), abort=True)
    if changes.is_none and not removes:
        click.echo(f"没有变化：表里的 {changes.unchanged} 人和名单里一样。")
    else:
        total = len(changes.added) + len(changes.changed)
        with click.progressbar(length=total, label="导入") as bar:
            register.apply(changes, remove_missing=replace, progress=bar.update)
        removed = f"，删除 {len(changes.missing)} 人" if removes else ""
        click.echo(
            f"导入完成：新增 {len(changes.added)} 人，更新 {len(changes.changed)} 人，"
            f"没有变化 {changes.unchanged} 人{removed}。"
        )
    if changes.missing and not replace:
        click.echo(f"名单里另有 {len(changes.missing)} 人不在这份表里，都保留着；要删掉他们，加 --replace。")


@students.command("export")
@click.argument("file", type=NEW_FILE)
@shown_errors
def export_students(file: Path) -> None:
    """把名单写到 FILE（CSV 或 XLSX），和导入的表一样。里面有姓名和手机号，用完请删掉。"""
    number = write_students(file, current_application().register.everybody())
    click.echo(f"导出 {number} 人到 {file}（只有当前用户能读）。")


def _removal(changes: Changes) -> str:
    bound = sum(1 for one in changes.missing if one.contact)
    return f"要删除 {len(changes.missing)} 名不在表里的学生，其中 {bound} 人绑定了微信，绑定也会删掉。继续吗？"
