"""`flask staff`: who is there."""

from pathlib import Path

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.staff.importing import read_staff
from bot.staff.models import Role

staff = AppGroup("staff", help="教职工名单。")
FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@staff.command("import")
@FILE
@shown_errors
def import_staff(file: Path) -> None:
    """导入名单 FILE（CSV 或 XLSX）：工号,姓名,角色,学院,企业微信账号,手机号,邮箱[,负责班级]。

    名单以外的人不再收到警报。
    """
    application = current_application()
    people = read_staff(file)
    with application.database.write() as session:
        stored, retired = application.directory.replace_all(session, people)
    click.echo(f"导入 {stored} 人，停用 {retired} 人。")
    unreachable = [person.staff_no for person in people if not person.wecom_userid]
    if unreachable:
        click.echo(f"没有企业微信账号、收不到卡片的：{'、'.join(unreachable)}")
    if not any(person.role is Role.COUNSELOR for person in people):
        click.echo("注意：名单里没有辅导员，警报只能发到群机器人。")
