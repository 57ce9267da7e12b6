"""`flask students`: the school's list of students, and the codes that bind their phones."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import and_
from sqlalchemy.exc import IntegrityError

from bot.bootstrap import Application
from bot.channel.errors import SendError
from bot.cli.current import current_application, shown_errors
from bot.students import codes
from bot.students.importing import read_students, write_students
from bot.students.models import Student
from bot.students.profiles import FILTERS
from bot.students.register import Changes
from bot.tables import write_table

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


@students.command("status")
@shown_errors
def show_status() -> None:
    """每个学院有多少人，绑定了多少。"""
    application = current_application()
    with application.database.read() as session:
        counts = application.profiles.bound_by_college(session)
    for college, number, bound in counts:
        click.echo(f"{college}　{number} 人，已绑定 {bound} 人")
    total, bound = sum(number for _, number, _ in counts), sum(bound for *_, bound in counts)
    click.echo(f"一共 {total} 人，已绑定 {bound} 人。" if counts else "名单是空的：flask students import 名单文件")


@students.command("remove")
@click.argument("student_nos", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="名单里的所有人（毕业季结束以后）。")
@YES
@shown_errors
def remove_students(*, student_nos: tuple[str, ...], everybody: bool, yes: bool) -> None:
    """从名单里删掉 STUDENT_NOS 这些学号：资料、标签、绑定和绑定码。说过的话由本人回“删除我的数据”，或到期自动删。"""
    if bool(student_nos) == everybody:
        raise click.UsageError("请写出学号，或用 --all")
    application = current_application()
    with application.database.read() as session:
        known = [one.student_no for one in application.profiles.matching(session)]
    unknown = sorted(set(student_nos) - set(known))
    if unknown:
        raise click.ClickException(f"名单里没有这些学号，一个也没有删：{'、'.join(unknown)}")
    gone = known if everybody else list(dict.fromkeys(student_nos))
    if not yes:
        click.confirm(f"要从名单里删掉 {len(gone)} 人，删了找不回来。继续吗？", abort=True)
    with application.database.write() as session:
        application.profiles.remove(session, gone)
    click.echo(f"删掉了 {len(gone)} 人。")


@students.command("codes")
@click.option("--college", default="", help="只给这个学院。")
@click.option("--class", "class_name", default="", help="只给这个班。")
@click.option("--student", "numbers", multiple=True, help="只给这个学号（可以写多次）；已绑定的也给。")
@click.option("--out", type=NEW_FILE, required=True, help="写到这个还不存在的文件（CSV 或 XLSX）。")
@click.option("--qr", is_flag=True, help="另加一列二维码的内容，扫了就绑定（要调用微信接口，每人一次）。")
@YES
@shown_errors
def hand_out_codes(*, college: str, class_name: str, numbers: tuple[str, ...], out: Path, qr: bool, yes: bool) -> None:
    """给还没绑定的学生发一次性绑定码，写到文件里交给学院。

    数据库里只存校验值，码只在这个文件里；发完请删掉。重新发，先前没用过的就作废。
    """
    application = current_application()
    binding = application.binding
    if out.exists():
        raise click.ClickException(f"{out} 已经存在，请换一个文件名")
    chosen = _chosen(application, college, class_name, numbers)
    with application.database.read() as session:
        made = binding.new_codes(session, [one.student_no for one in chosen])
        still_good = binding.count_open(session, list(made))
    if still_good and not yes:
        click.confirm(f"其中 {still_good} 人手里还有没用过的码，重新发就作废。继续吗？", abort=True)
    scenes = _scenes(application, made) if qr else {}
    until = application.clock.now() + timedelta(days=application.settings.students.code_days)
    good_until = f"{until.astimezone(application.settings.school.zone):%Y-%m-%d %H:%M}"
    header = ["学号", "班级", "绑定码", "有效期至", *(["二维码内容"] if qr else [])]
    rows = [
        [one.student_no, one.class_name, codes.written(made[one.student_no]), good_until]
        + ([scenes[one.student_no]] if qr else [])
        for one in chosen
    ]
    try:
        with application.database.write() as session:
            binding.hand_out(session, made)
            write_table(out, header, rows)  # before the commit: codes that are not good yet harm nobody
    except IntegrityError:
        raise click.ClickException("有别人正在发码，请再运行一次；刚写的文件作废") from None
    click.echo(f"发了 {len(chosen)} 个绑定码，写在 {out}，{good_until} 以前有效。每个只能用一次，请单独发给本人。")


@students.command("unbind")
@click.argument("student_no")
@YES
@shown_errors
def unbind_student(*, student_no: str, yes: bool) -> None:
    """解除学号 STUDENT_NO 绑定的微信（学生换了微信、旧的用不了时；先核对是本人）。"""
    application = current_application()
    if not yes:
        click.confirm("核对过是本人要求的吗？解绑后要重新发绑定码。", abort=True)
    with application.database.write() as session:
        if not application.binding.unbind_student(session, student_no):
            raise click.ClickException(f"学号 {student_no} 没有绑定微信，或不在名单里")
    click.echo("已解绑。重新发码：flask students codes --student 学号 --out 文件")


def _chosen(application: Application, college: str, class_name: str, numbers: tuple[str, ...]) -> list[Student]:
    """Who gets a code. Raises ClickException if that is nobody, or if a number is not in the list."""
    if bool(numbers) == bool(college or class_name):
        raise click.UsageError("请用 --college（可加 --class）选一个学院，或用 --student 选学号")
    profiles = application.profiles
    with application.database.read() as session:
        if numbers:
            found = [(number, profiles.find_by_number(session, number)) for number in dict.fromkeys(numbers)]
            unknown = [number for number, student in found if student is None]
            if unknown:
                raise click.ClickException(f"名单里没有这些学号：{'、'.join(unknown)}")
            return [student for _, student in found if student is not None]
        wanted = [FILTERS[name](value) for name, value in (("college", college), ("class", class_name)) if value]
        everybody = profiles.matching(session, and_(*wanted))
        colleges = profiles.colleges(session)
    if not everybody:
        raise click.ClickException(f"名单里没有这样的学生。名单里的学院：{'、'.join(colleges) or '（名单是空的）'}")
    chosen = [one for one in everybody if not one.contact]
    if len(chosen) < len(everybody):
        click.echo(f"已经绑定的 {len(everybody) - len(chosen)} 人不发码。")
    if not chosen:
        raise click.ClickException("都已经绑定了，没有要发的")
    return chosen


def _scenes(application: Application, made: Mapping[str, str]) -> dict[str, str]:
    """What to print as a QR code for each student. Raises ClickException if WeChat does not make them."""
    if not application.settings.wechat.app_id:
        raise click.ClickException("还没有配置公众号（wechat.app_id），不能生成二维码；去掉 --qr 可以只发码")
    scenes = {}
    with click.progressbar(made.items(), label="生成二维码") as bar:
        for number, code in bar:
            try:
                scenes[number] = application.wechat.scene_code(
                    f"{codes.SCENE}{code}", life=timedelta(days=application.settings.students.code_days)
                )
            except SendError as error:
                raise click.ClickException(
                    f"微信没有生成二维码（{error.code or type(error).__name__}），一个码也没有发；稍后再试，或去掉 --qr"
                ) from None
    return scenes


def _removal(changes: Changes) -> str:
    bound = sum(1 for one in changes.missing if one.contact)
    return f"要删除 {len(changes.missing)} 名不在表里的学生，其中 {bound} 人绑定了微信，绑定也会删掉。继续吗？"
